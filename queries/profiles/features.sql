-- What a profile tells of its owner's age: dates first, then rank, pay and habits.
WITH dated AS (
  SELECT
    *,
    array_min(graduations) AS first_graduation,
    array_max(degree_levels) AS top_level,
    CAST(this_month - array_min(starts) AS DOUBLE) / 12 AS career_years,
    CAST(date_diff('month', job_start, ${as_of}) AS DOUBLE) / 12 AS tenure_years
  FROM ${staging}
),

-- the age at which people of a degree tend to end it, and at which they tend to begin to work
aged AS (
  SELECT
    *,
    CAST(year(${as_of}) - first_graduation / 10 AS DOUBLE)
      + CASE first_graduation % 10 WHEN 1 THEN 18 WHEN 2 THEN 20 WHEN 3 THEN 22 WHEN 4 THEN 25 WHEN 5 THEN 29 ELSE 24 END
      AS age_by_degree,
    career_years
      + CASE top_level WHEN 1 THEN 19 WHEN 2 THEN 20 WHEN 3 THEN 22 WHEN 4 THEN 24 WHEN 5 THEN 27 ELSE 22 END
      AS age_by_career
  FROM dated
)

SELECT
  id,
  known_label,
  label_source,
  age_by_degree,
  age_by_career,
  -- degrees are taken late and first jobs left out more often than the reverse: the older reading counts more
  CASE
    WHEN age_by_degree IS NULL THEN age_by_career
    WHEN age_by_career IS NULL THEN age_by_degree
    ELSE (2 * GREATEST(age_by_degree, age_by_career) + LEAST(age_by_degree, age_by_career)) / 3
  END AS age_by_dates,
  age_by_degree - age_by_career AS degree_before_career,
  CAST(first_graduation / 10 AS DOUBLE) AS graduation_year,
  CAST(cardinality(degree_levels) AS DOUBLE) AS degrees,
  CASE top_level
    WHEN 0 THEN 'other'
    WHEN 1 THEN 'high school'
    WHEN 2 THEN 'associate'
    WHEN 3 THEN 'bachelor'
    WHEN 4 THEN 'master'
    WHEN 5 THEN 'doctor'
  END AS education_level,
  career_years,
  CAST(reduce(filter(months_in_jobs, m -> m IS NOT NULL), 0, (total, m) -> total + m, total -> total) AS DOUBLE) / 12
    AS worked_years,
  CAST(jobs AS DOUBLE) AS jobs,
  CAST(jobs AS DOUBLE) / GREATEST(career_years, 1) AS job_churn,
  tenure_years,
  tenure_years / GREATEST(career_years, 1) AS tenure_share,
  job_level,
  CAST(title_seniority AS DOUBLE) AS title_seniority,
  job_function,
  industry,
  -- thousands of dollars, the lower end
  CAST(CASE compensation_range
    WHEN '<20,000' THEN 10 WHEN '20,000-25,000' THEN 20 WHEN '25,000-35,000' THEN 25 WHEN '35,000-45,000' THEN 35
    WHEN '45,000-55,000' THEN 45 WHEN '55,000-70,000' THEN 55 WHEN '70,000-85,000' THEN 70
    WHEN '85,000-100,000' THEN 85 WHEN '100,000-150,000' THEN 100 WHEN '150,000-250,000' THEN 150
    WHEN '>250,000' THEN 250
  END AS DOUBLE) AS compensation,
  -- people, and millions of dollars, the lower end
  CAST(CASE company_size_range
    WHEN '1-10' THEN 1 WHEN '11-50' THEN 11 WHEN '51-200' THEN 51 WHEN '201-500' THEN 201 WHEN '501-1000' THEN 501
    WHEN '1001-5000' THEN 1001 WHEN '5001-10000' THEN 5001 WHEN '10001+' THEN 10001
  END AS DOUBLE) AS company_size,
  CAST(CASE company_revenue_range
    WHEN '<$1M' THEN 0 WHEN '$1M-$10M' THEN 1 WHEN '$10M-$50M' THEN 10 WHEN '$50M-$100M' THEN 50
    WHEN '$100M-$500M' THEN 100 WHEN '$500M-$1B' THEN 500 WHEN '$1B-$10B' THEN 1000 WHEN '>$10B' THEN 10000
  END AS DOUBLE) AS company_revenue,
  connections,
  connections / GREATEST(career_years, 1) AS network_activity,
  CAST(skills_listed AS DOUBLE) AS skills,
  CAST(date_diff('day', profile_updated, ${as_of}) AS DOUBLE) AS days_since_update,
  'Q' || CAST(quarter(profile_updated) AS VARCHAR) AS updated_quarter,
  CAST(CASE WHEN linkedin_url_is_valid THEN 1 WHEN NOT linkedin_url_is_valid THEN 0 END AS DOUBLE) AS linkedin_valid,
  CAST(CASE WHEN has_facebook THEN 1 ELSE 0 END AS DOUBLE) AS has_facebook,
  CAST(CASE WHEN has_twitter THEN 1 ELSE 0 END AS DOUBLE) AS has_twitter,
  CAST(CASE WHEN has_work_email THEN 1 ELSE 0 END AS DOUBLE) AS has_work_email,
  CAST(CASE WHEN has_personal_email THEN 1 ELSE 0 END AS DOUBLE) AS has_personal_email
FROM aged
