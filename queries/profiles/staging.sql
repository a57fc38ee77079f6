-- One row per profile: JSON taken apart once, text that means a number made one, the label where there is one.
-- What is malformed becomes NULL, and the columns named bad_* say where that happened.
WITH taken_apart AS (
  SELECT
    *,
    TRY(CAST(json_parse(education) AS ARRAY(ROW(degree VARCHAR, end_date VARCHAR)))) AS studies,
    TRY(CAST(json_parse(work_experience) AS ARRAY(ROW(start_date VARCHAR, end_date VARCHAR)))) AS positions,
    json_array_length(skills) AS skills_listed,
    lower(job_title) AS title,
    COALESCE(TRY(date_parse(job_start_date, '%Y-%m-%d')), TRY(date_parse(job_start_date, '%Y-%m'))) AS begun,
    COALESCE(TRY(date_parse(profile_updated_date, '%Y-%m-%d')), TRY(date_parse(profile_updated_date, '%Y-%m'))) AS updated,
    year(${as_of}) - birth_year AS age_by_birth_year,
    CAST(year(${as_of}) * 12 + month(${as_of}) AS INTEGER) AS this_month
  FROM ${source}
),

-- levels of education: 0 other or not named, 1 high school, 2 associate, 3 bachelor, 4 master, 5 doctor
-- months are counted as year * 12 + month; a date that is not one, or is absurd, is NULL
in_columns AS (
  SELECT
    *,
    transform(studies, s -> CAST(CASE
      WHEN regexp_like(lower(s.degree), '^(bachelor|bsc|b\.a|b\.s)') THEN 3
      WHEN regexp_like(lower(s.degree), '^(master|mba|msc|m\.a|m\.s)') THEN 4
      WHEN regexp_like(lower(s.degree), '^(associate|a\.a)') THEN 2
      WHEN regexp_like(lower(s.degree), '^(high school|ged|secondary)') THEN 1
      WHEN regexp_like(lower(s.degree), '^(doctor|ph\.?d|juris)') THEN 5
      ELSE 0
    END AS INTEGER)) AS degree_levels,
    transform(studies, s -> CASE
      WHEN regexp_like(s.end_date, '^(19[5-9]|20[0-9])[0-9](-(0[1-9]|1[0-2])(-[0-3][0-9])?)?$')
      THEN TRY_CAST(substr(s.end_date, 1, 4) AS INTEGER)
    END) AS degree_years,
    transform(positions, p -> CASE
      WHEN regexp_like(p.start_date, '^(19[5-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])(-[0-3][0-9])?$')
      THEN TRY_CAST(substr(p.start_date, 1, 4) AS INTEGER) * 12 + TRY_CAST(substr(p.start_date, 6, 2) AS INTEGER)
    END) AS starts,
    transform(positions, p -> CASE
      WHEN regexp_like(p.end_date, '^(19[5-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])(-[0-3][0-9])?$')
      THEN TRY_CAST(substr(p.end_date, 1, 4) AS INTEGER) * 12 + TRY_CAST(substr(p.end_date, 6, 2) AS INTEGER)
    END) AS ends
  FROM taken_apart
)

SELECT
  id,
  CAST(COALESCE(age_by_birth_year, approximate_age) AS DOUBLE) AS known_label,
  CASE
    WHEN birth_year IS NOT NULL THEN 'birth_year'
    WHEN approximate_age IS NOT NULL THEN 'approximate_age'
  END AS label_source,
  CASE
    WHEN title IS NULL THEN NULL
    WHEN regexp_like(title, '^(junior|jr\.|trainee)|intern$') THEN 0
    WHEN regexp_like(title, '^(senior|sr\.)') THEN 2
    WHEN regexp_like(title, '^(lead|principal|staff) ') THEN 3
    WHEN regexp_like(title, '^(vp|svp|vice president)') THEN 6
    WHEN regexp_like(title, '^(chief|president|founder|owner)') THEN 7
    WHEN regexp_like(title, '^(director|head of)|director$') THEN 5
    WHEN regexp_like(title, 'manager') THEN 4
    ELSE 1
  END AS title_seniority,
  job_level,
  job_function,
  industry,
  company_size_range,
  company_revenue_range,
  compensation_range,
  CASE
    WHEN linkedin_connection_count = '500+' THEN 500
    WHEN TRY_CAST(linkedin_connection_count AS DOUBLE) >= 0 THEN TRY_CAST(linkedin_connection_count AS DOUBLE)
  END AS connections,
  linkedin_url_is_valid,
  facebook_url IS NOT NULL AS has_facebook,
  twitter_url IS NOT NULL AS has_twitter,
  work_email IS NOT NULL AS has_work_email,
  personal_email IS NOT NULL AS has_personal_email,
  CASE WHEN begun >= DATE '1950-01-01' AND begun <= ${as_of} THEN CAST(begun AS DATE) END AS job_start,
  CASE WHEN updated >= DATE '1950-01-01' AND updated <= ${as_of} THEN CAST(updated AS DATE) END AS profile_updated,
  degree_levels,
  filter(
    zip_with(degree_years, degree_levels, (y, l) -> CASE WHEN y <= year(${as_of}) + 6 THEN y * 10 + l END),
    g -> g IS NOT NULL
  ) AS graduations,
  cardinality(positions) AS jobs,
  filter(starts, s -> s <= this_month) AS starts,
  zip_with(starts, ends, (s, e) -> CASE
    WHEN s <= COALESCE(e, this_month) THEN LEAST(COALESCE(e, this_month), this_month) - s
  END) AS months_in_jobs,
  skills_listed,
  this_month,
  education IS NOT NULL AND studies IS NULL AS bad_education,
  work_experience IS NOT NULL AND positions IS NULL AS bad_work_experience,
  skills IS NOT NULL AND skills_listed IS NULL AS bad_skills,
  job_start_date IS NOT NULL AND begun IS NULL AS bad_job_start_date,
  profile_updated_date IS NOT NULL AND updated IS NULL AS bad_profile_updated_date,
  linkedin_connection_count IS NOT NULL
    AND linkedin_connection_count <> '500+'
    AND COALESCE(TRY_CAST(linkedin_connection_count AS DOUBLE), -1) < 0 AS bad_linkedin_connection_count
FROM in_columns
