-- Everything here is known of people with and without a birthday; the birthday itself is used nowhere.
WITH spans AS (
  SELECT
    *,
    CAST(date_diff('day', first_start, last_end) AS DOUBLE) / 365.2425e0 AS career_years,
    -- days in office, term by term; a term whose dates are absent or reversed counts as none
    reduce(
      zip_with(starts, ends, (s, e) -> CASE WHEN s <= e THEN date_diff('day', s, e) ELSE 0 END),
      CAST(0 AS BIGINT), (total, days) -> total + days, total -> total
    ) AS days_in_office
  FROM ${staging}
)

SELECT
  id,
  known_label,
  label_source,
  CAST(year(first_start) AS DOUBLE) AS first_year,
  CAST(year(last_end) AS DOUBLE) AS last_year,
  career_years,
  career_years - CAST(days_in_office AS DOUBLE) / 365.2425e0 AS gap_years,
  CAST(date_diff('day', element_at(starts, -1), last_end) AS DOUBLE) / 365.2425e0 AS last_term_years,
  CAST(cardinality(chambers) AS DOUBLE) AS terms_count,
  CAST(cardinality(filter(chambers, c -> c = 'sen')) AS DOUBLE) AS senate_terms,
  CAST(cardinality(filter(chambers, c -> c = 'rep')) AS DOUBLE) AS house_terms,
  CAST(cardinality(array_distinct(filter(parties, p -> p IS NOT NULL))) AS DOUBLE) AS parties_count,
  CAST(cardinality(array_distinct(filter(states, s -> s IS NOT NULL))) AS DOUBLE) AS states_count,
  CAST(cardinality(array_distinct(filter(districts, d -> d IS NOT NULL))) AS DOUBLE) AS districts_count,
  CAST(cardinality(filter(end_types, e -> e IS NOT NULL)) AS DOUBLE) AS ended_early,
  CAST(CASE WHEN is_current THEN 1 ELSE 0 END AS DOUBLE) AS is_current,
  CAST(cardinality(split(trim(full_name), ' ')) AS DOUBLE) AS name_words,
  element_at(chambers, 1) AS first_chamber,
  element_at(chambers, -1) AS last_chamber,
  element_at(parties, -1) AS last_party,
  element_at(states, -1) AS last_state,
  element_at(end_types, -1) AS last_end_type,
  gender,
  regexp_extract(full_name, '(Jr|Sr|II|III|IV)\.?$', 1) AS name_suffix
FROM spans
