-- Those who travelled on one ticket shared a fate more often than not. They are counted over both files, but
-- only by what is known of everybody: no feature looks at who survived.
WITH first_in_boats AS (
  SELECT
    *,
    CASE WHEN age < 14 THEN 1 WHEN title = 'Master' THEN 1 ELSE 0 END AS is_child,
    CASE WHEN sex = 'female' THEN 1 WHEN age < 14 THEN 1 WHEN title = 'Master' THEN 1 ELSE 0 END AS has_priority
  FROM ${staging}
),

grouped AS (
  SELECT
    *,
    CASE WHEN ticket IS NULL THEN 1 ELSE count(*) OVER (PARTITION BY ticket) END AS same_ticket,
    CASE WHEN ticket IS NULL THEN has_priority ELSE sum(has_priority) OVER (PARTITION BY ticket) END AS same_ticket_priority
  FROM first_in_boats
)

SELECT
  id,
  known_label,
  label_source,
  pclass,
  age,
  CAST(is_child AS DOUBLE) AS is_child,
  fare,
  fare / CAST(same_ticket AS DOUBLE) AS fare_per_person,
  sibsp,
  parch,
  sibsp + parch + 1e0 AS family_size,
  CAST(same_ticket AS DOUBLE) AS ticket_group,
  CAST(same_ticket_priority AS DOUBLE) AS ticket_women_and_children,
  CAST(CASE WHEN cabin IS NULL THEN 0 ELSE cardinality(split(cabin, ' ')) END AS DOUBLE) AS cabins,
  TRY_CAST(regexp_extract(cabin, '\d+$') AS DOUBLE) AS cabin_number,
  CAST(CASE WHEN has_second_name THEN 1 ELSE 0 END AS DOUBLE) AS has_second_name,
  sex,
  CASE
    WHEN title IN ('Mr', 'Mrs', 'Miss', 'Master') THEN title
    WHEN title IN ('Mlle', 'Ms') THEN 'Miss'
    WHEN title = 'Mme' THEN 'Mrs'
    WHEN title IS NOT NULL THEN 'Rare'
  END AS title,
  substr(cabin, 1, 1) AS deck,
  embarked,
  regexp_extract(upper(ticket), '^([A-Z]+)', 1) AS ticket_prefix
FROM grouped
