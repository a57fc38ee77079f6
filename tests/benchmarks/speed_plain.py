"""The plain script that a good engineer writes in an afternoon: DuckDB -> pandas -> XGBoost -> Parquet.

    python speed_plain.py SOURCE MODEL OUT [--known]

Run by `speed.py`. One query with DuckDB's own JSON functions gives the same features as the recipe `profiles`;
chunks go through pandas to XGBoost and out as Parquet, in bounded memory. It trusts its data more than agecli does:
nothing is counted, ids are not checked, and text that the engines read differently is read as DuckDB reads it.
`--known` scores rows with a known label too, so that its error can be compared.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost as xgb

AS_OF = "DATE '2026-09-30'"
MONTHS = 2026 * 12 + 9
MONTH = "regexp_full_match({0}, '(19[5-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])(-[0-3][0-9])?')"
AS_MONTHS = f"CASE WHEN {MONTH} THEN substr({{0}}, 1, 4)::INTEGER * 12 + substr({{0}}, 6, 2)::INTEGER END"


def when(column: str, values: dict[str, int]) -> str:
    return f"CASE {column} " + " ".join(f"WHEN '{k}' THEN {v}" for k, v in values.items()) + " END"


PAY = when("compensation_range", {
    "<20,000": 10, "20,000-25,000": 20, "25,000-35,000": 25, "35,000-45,000": 35, "45,000-55,000": 45,
    "55,000-70,000": 55, "70,000-85,000": 70, "85,000-100,000": 85, "100,000-150,000": 100, "150,000-250,000": 150,
    ">250,000": 250})  # fmt: skip
SIZE = when("company_size_range", {
    "1-10": 1, "11-50": 11, "51-200": 51, "201-500": 201, "501-1000": 501, "1001-5000": 1001, "5001-10000": 5001,
    "10001+": 10001})  # fmt: skip
REVENUE = when("company_revenue_range", {
    "<$1M": 0, "$1M-$10M": 1, "$10M-$50M": 10, "$50M-$100M": 50, "$100M-$500M": 100, "$500M-$1B": 500,
    "$1B-$10B": 1000, ">$10B": 10000})  # fmt: skip

SQL = f"""
WITH parsed AS (
  SELECT *,
    from_json(CASE WHEN json_valid(education) THEN education END,
              '[{{"degree": "VARCHAR", "end_date": "VARCHAR"}}]') AS studies,
    from_json(CASE WHEN json_valid(work_experience) THEN work_experience END,
              '[{{"start_date": "VARCHAR", "end_date": "VARCHAR"}}]') AS positions,
    json_array_length(CASE WHEN json_valid(skills) THEN skills END) AS skills_listed,
    lower(job_title) AS title,
    try_strptime(job_start_date, ['%Y-%m-%d', '%Y-%m']) AS begun,
    try_strptime(profile_updated_date, ['%Y-%m-%d', '%Y-%m']) AS updated
  FROM read_parquet($source)
),
listed AS (
  SELECT *,
    list_transform(studies, lambda s: CASE
      WHEN regexp_matches(lower(s.degree), '^(bachelor|bsc|b\\.a|b\\.s)') THEN 3
      WHEN regexp_matches(lower(s.degree), '^(master|mba|msc|m\\.a|m\\.s)') THEN 4
      WHEN regexp_matches(lower(s.degree), '^(associate|a\\.a)') THEN 2
      WHEN regexp_matches(lower(s.degree), '^(high school|ged|secondary)') THEN 1
      WHEN regexp_matches(lower(s.degree), '^(doctor|ph\\.?d|juris)') THEN 5
      ELSE 0 END) AS levels,
    list_transform(studies, lambda s: CASE
      WHEN regexp_full_match(s.end_date, '(19[5-9]|20[0-9])[0-9](-(0[1-9]|1[0-2])(-[0-3][0-9])?)?')
      THEN substr(s.end_date, 1, 4)::INTEGER END) AS years,
    list_transform(positions, lambda p: {AS_MONTHS.format("p.start_date")}) AS starts,
    list_transform(positions, lambda p: {AS_MONTHS.format("p.end_date")}) AS ends
  FROM parsed
),
summed AS (
  SELECT *,
    list_min(list_filter(list_transform(list_zip(years, levels),
      lambda z: CASE WHEN z[1] <= 2032 THEN z[1] * 10 + z[2] END), lambda g: g IS NOT NULL)) AS first_graduation,
    list_max(levels) AS top_level,
    ({MONTHS} - list_min(list_filter(starts, lambda s: s <= {MONTHS})))::DOUBLE / 12 AS career_years,
    coalesce(list_sum(list_transform(list_zip(starts, ends), lambda z: CASE
      WHEN z[1] <= coalesce(z[2], {MONTHS}) THEN least(coalesce(z[2], {MONTHS}), {MONTHS}) - z[1] END)),
      CASE WHEN positions IS NOT NULL THEN 0 END)::DOUBLE / 12 AS worked_years,
    CASE WHEN begun BETWEEN DATE '1950-01-01' AND {AS_OF} THEN begun::DATE END AS job_start,
    CASE WHEN updated BETWEEN DATE '1950-01-01' AND {AS_OF} THEN updated::DATE END AS profile_updated
  FROM listed
),
aged AS (
  SELECT *,
    2026 - first_graduation // 10 + CASE first_graduation % 10
      WHEN 1 THEN 18 WHEN 2 THEN 20 WHEN 3 THEN 22 WHEN 4 THEN 25 WHEN 5 THEN 29 ELSE 24 END AS age_by_degree,
    career_years + CASE top_level
      WHEN 1 THEN 19 WHEN 2 THEN 20 WHEN 3 THEN 22 WHEN 4 THEN 24 WHEN 5 THEN 27 ELSE 22 END AS age_by_career,
    date_sub('month', job_start, {AS_OF}) / 12 AS tenure_years,
    CASE WHEN career_years > 1 THEN career_years WHEN career_years IS NOT NULL THEN 1 END AS years_at_least_one,
    CASE WHEN linkedin_connection_count = '500+' THEN 500
         WHEN TRY_CAST(linkedin_connection_count AS DOUBLE) >= 0
         THEN TRY_CAST(linkedin_connection_count AS DOUBLE) END AS connections
  FROM summed
)
SELECT id,
  coalesce(2026 - birth_year, approximate_age)::DOUBLE AS known_label,
  age_by_degree::FLOAT AS age_by_degree, age_by_career::FLOAT AS age_by_career,
  (CASE WHEN age_by_degree IS NULL THEN age_by_career WHEN age_by_career IS NULL THEN age_by_degree
        ELSE (2 * greatest(age_by_degree, age_by_career) + least(age_by_degree, age_by_career)) / 3
   END)::FLOAT AS age_by_dates,
  (age_by_degree - age_by_career)::FLOAT AS degree_before_career,
  (first_graduation // 10)::FLOAT AS graduation_year,
  len(levels)::FLOAT AS degrees,
  ['other', 'high school', 'associate', 'bachelor', 'master', 'doctor'][top_level + 1] AS education_level,
  career_years::FLOAT AS career_years, worked_years::FLOAT AS worked_years,
  len(positions)::FLOAT AS jobs, (len(positions) / years_at_least_one)::FLOAT AS job_churn,
  tenure_years::FLOAT AS tenure_years, (tenure_years / years_at_least_one)::FLOAT AS tenure_share,
  job_level,
  CASE WHEN title IS NULL THEN NULL
       WHEN regexp_matches(title, '^(junior|jr\\.|trainee)|intern$') THEN 0
       WHEN regexp_matches(title, '^(senior|sr\\.)') THEN 2
       WHEN regexp_matches(title, '^(lead|principal|staff) ') THEN 3
       WHEN regexp_matches(title, '^(vp|svp|vice president)') THEN 6
       WHEN regexp_matches(title, '^(chief|president|founder|owner)') THEN 7
       WHEN regexp_matches(title, '^(director|head of)|director$') THEN 5
       WHEN contains(title, 'manager') THEN 4 ELSE 1 END::FLOAT AS title_seniority,
  job_function, industry,
  ({PAY})::FLOAT AS compensation, ({SIZE})::FLOAT AS company_size, ({REVENUE})::FLOAT AS company_revenue,
  connections::FLOAT AS connections, (connections / years_at_least_one)::FLOAT AS network_activity,
  skills_listed::FLOAT AS skills,
  date_diff('day', profile_updated, {AS_OF})::FLOAT AS days_since_update,
  'Q' || quarter(profile_updated) AS updated_quarter,
  linkedin_url_is_valid::INTEGER::FLOAT AS linkedin_valid,
  (facebook_url IS NOT NULL)::INTEGER::FLOAT AS has_facebook,
  (twitter_url IS NOT NULL)::INTEGER::FLOAT AS has_twitter,
  (work_email IS NOT NULL)::INTEGER::FLOAT AS has_work_email,
  (personal_email IS NOT NULL)::INTEGER::FLOAT AS has_personal_email
FROM aged
"""


def chunks(source: str, threads: int) -> Iterator[pd.DataFrame]:
    """Pandas frames of the features, about 100,000 rows at a time."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    relation = connection.sql(SQL, params={"source": source})
    for batch in relation.to_arrow_reader(102_400):
        yield batch.to_pandas()


def encode(frame: pd.DataFrame, decides: dict[str, Any]) -> pd.DataFrame:
    """Categories as codes of the model's vocabularies."""
    columns = {}
    for name, kind in decides["features"]:
        if kind == "numeric":
            columns[name] = frame[name].astype("float32")
            continue
        words = decides["vocabularies"][name]["words"]
        codes = pd.Categorical(frame[name], categories=words).codes.astype("float32")
        if decides["vocabularies"][name]["others"]:
            codes[(codes < 0) & frame[name].notna()] = len(words)
        codes[codes < 0] = np.nan
        columns[name] = pd.Series(codes, index=frame.index)
    return pd.DataFrame(columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("model", type=Path)
    parser.add_argument("out")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    decides = json.loads((arguments.model / "card.json").read_text())["decides"]
    point = xgb.Booster({"nthread": arguments.threads}, model_file=arguments.model / "model.ubj")
    spread = xgb.Booster({"nthread": arguments.threads}, model_file=arguments.model / "spread.ubj")
    calibration = decides["calibration"]
    writer = None
    for frame in chunks(arguments.source, arguments.threads):
        frame.loc[~frame["known_label"].between(16, 90), "known_label"] = np.nan
        wanted = frame["known_label"].isna()
        unknown = frame if arguments.known else frame[wanted]
        matrix = encode(unknown, decides).to_numpy()
        told = point.inplace_predict(matrix).astype("float64")
        width = np.maximum(spread.inplace_predict(matrix).astype("float64"), calibration["floor"])
        curve = calibration["confidence"]
        result = frame[["id", "known_label"]].copy()
        result["value"] = frame["known_label"]
        result.loc[unknown.index, "value"] = told
        result["source"] = np.where(wanted, "PREDICTED", "KNOWN")
        result["confidence"] = 1.0
        result.loc[unknown.index, "confidence"] = np.interp(decides["tolerance"] / width, curve["x"], curve["y"])
        result.loc[unknown.index, "lower"] = told - calibration["factor"] * width
        result.loc[unknown.index, "upper"] = told + calibration["factor"] * width
        table = pa.Table.from_pandas(result, preserve_index=False)
        writer = writer or pq.ParquetWriter(arguments.out, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


if __name__ == "__main__":
    main()
