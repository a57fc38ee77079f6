-- One row per passenger: text cast to types, the name and the cabin taken apart. Nothing is counted over
-- passengers here; that is for features.sql.
SELECT
  TRY_CAST(PassengerId AS BIGINT) AS id,
  CASE WHEN trim(Survived) IN ('0', '1') THEN trim(Survived) END AS known_label,
  CASE WHEN trim(Survived) IN ('0', '1') THEN 'survived' END AS label_source,
  TRY_CAST(Pclass AS DOUBLE) AS pclass,
  lower(nullif(trim(Sex), '')) AS sex,
  TRY_CAST(Age AS DOUBLE) AS age,
  TRY_CAST(SibSp AS DOUBLE) AS sibsp,
  TRY_CAST(Parch AS DOUBLE) AS parch,
  TRY_CAST(Fare AS DOUBLE) AS fare,
  nullif(trim(Ticket), '') AS ticket,
  nullif(trim(Cabin), '') AS cabin,
  nullif(trim(Embarked), '') AS embarked,
  regexp_extract(Name, ', ([A-Za-z ]+)\.', 1) AS title,
  strpos(Name, '(') > 0 AS has_second_name,
  nullif(trim(Survived), '') IS NOT NULL AND trim(Survived) NOT IN ('0', '1') AS bad_survived,
  nullif(trim(Age), '') IS NOT NULL AND TRY_CAST(Age AS DOUBLE) IS NULL AS bad_age,
  nullif(trim(Fare), '') IS NOT NULL AND TRY_CAST(Fare AS DOUBLE) IS NULL AS bad_fare
FROM ${source}
