-- One row per person: the terms taken apart, the label where a birthday is known.
-- Dates come as YYYY-MM-DD, and in the early years also as YYYY-MM or YYYY: what is missing is filled with the
-- middle of the year or of the month. A start after the end of the last term is an error of the source (there
-- are two) and counts as not known.
WITH taken_apart AS (
  SELECT
    *,
    TRY(CAST(json_parse(terms) AS ARRAY(JSON))) AS term
  FROM ${source}
),

in_columns AS (
  SELECT
    *,
    transform(term, t -> json_extract_scalar(t, '$.type')) AS chambers,
    transform(term, t -> json_extract_scalar(t, '$.state')) AS states,
    transform(term, t -> json_extract_scalar(t, '$.party')) AS parties,
    transform(term, t -> json_extract_scalar(t, '$.district')) AS districts,
    transform(term, t -> json_extract_scalar(t, '$["end-type"]')) AS end_types,
    transform(
      transform(term, t -> json_extract_scalar(t, '$.start')),
      d -> TRY_CAST(d || substr('YYYY-06-15', length(d) + 1) AS DATE)
    ) AS starts,
    transform(
      transform(term, t -> json_extract_scalar(t, '$.end')),
      d -> TRY_CAST(d || substr('YYYY-06-15', length(d) + 1) AS DATE)
    ) AS ends
  FROM taken_apart
),

-- array_min and array_max are NULL as soon as one element is: filter those out first
with_span AS (
  SELECT
    *,
    array_min(filter(starts, d -> d IS NOT NULL)) AS earliest_start,
    array_max(filter(ends, d -> d IS NOT NULL)) AS last_end,
    TRY_CAST(bio_birthday AS DATE) AS birthday
  FROM in_columns
)

SELECT
  id,
  CAST(date_diff('day', birthday, last_end) AS DOUBLE) / 365.2425e0 AS known_label,
  CASE WHEN birthday IS NOT NULL AND last_end IS NOT NULL THEN 'bio_birthday' END AS label_source,
  full_name,
  gender,
  is_current,
  chambers,
  states,
  parties,
  districts,
  end_types,
  starts,
  ends,
  CASE WHEN earliest_start <= last_end THEN earliest_start END AS first_start,
  last_end,
  terms IS NOT NULL AND term IS NULL AS bad_terms,
  bio_birthday IS NOT NULL AND birthday IS NULL AS bad_birthday
FROM with_span
