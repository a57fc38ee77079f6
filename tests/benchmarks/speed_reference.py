"""The style of the reference: pandas, a Python function per row, JSON parsed row by row, three `predict` calls.

    python speed_reference.py SOURCE MODEL OUT --rows 50000

Run by `speed.py`, over the first rows only: it is slow. Features are those of the recipe `profiles`. The model has
no trees for its bounds, so the second and third call are to the trees of its spread, as reference code would call
the models of two quantiles.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xgboost as xgb
from speed_plain import encode

AS_OF = datetime(2026, 9, 30)
MONTHS = 2026 * 12 + 9
DEGREES = (
    (r"bachelor|bsc|b\.a|b\.s", 3), (r"master|mba|msc|m\.a|m\.s", 4), (r"associate|a\.a", 2),
    (r"high school|ged|secondary", 1), (r"doctor|ph\.?d|juris", 5),
)  # fmt: skip
TITLES = (
    (r"^(junior|jr\.|trainee)|intern$", 0), (r"^(senior|sr\.)", 2), (r"^(lead|principal|staff) ", 3),
    (r"^(vp|svp|vice president)", 6), (r"^(chief|president|founder|owner)", 7),
    (r"^(director|head of)|director$", 5), (r"manager", 4),
)  # fmt: skip
AT_DEGREE = {1: 18, 2: 20, 3: 22, 4: 25, 5: 29}
AT_WORK = {1: 19, 2: 20, 3: 22, 4: 24, 5: 27}
NAMES = ["other", "high school", "associate", "bachelor", "master", "doctor"]
PAY = {"<20,000": 10, "20,000-25,000": 20, "25,000-35,000": 25, "35,000-45,000": 35, "45,000-55,000": 45,
       "55,000-70,000": 55, "70,000-85,000": 70, "85,000-100,000": 85, "100,000-150,000": 100,
       "150,000-250,000": 150, ">250,000": 250}  # fmt: skip
SIZE = {"1-10": 1, "11-50": 11, "51-200": 51, "201-500": 201, "501-1000": 501, "1001-5000": 1001,
        "5001-10000": 5001, "10001+": 10001}  # fmt: skip
REVENUE = {"<$1M": 0, "$1M-$10M": 1, "$10M-$50M": 10, "$50M-$100M": 50, "$100M-$500M": 100, "$500M-$1B": 500,
           "$1B-$10B": 1000, ">$10B": 10000}  # fmt: skip


def parse_list(text: Any) -> list[Any] | None:
    if pd.isna(text):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def parse_date(text: Any) -> datetime | None:
    if pd.isna(text):
        return None
    for form in ("%Y-%m-%d", "%Y-%m"):
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if datetime(1950, 1, 1) <= found <= AS_OF else None
    return None


def parse_months(text: Any) -> int | None:
    if not isinstance(text, str) or not re.fullmatch(r"(19[5-9]|20\d)\d-(0[1-9]|1[0-2])(-[0-3]\d)?", text):
        return None
    return int(text[:4]) * 12 + int(text[5:7])


def level_of(degree: Any) -> int:
    if isinstance(degree, str):
        for pattern, level in DEGREES:
            if re.match(pattern, degree.lower()):
                return level
    return 0


def seniority(title: Any) -> float:
    if pd.isna(title):
        return np.nan
    for pattern, level in TITLES:
        if re.search(pattern, title.lower()):
            return level
    return 1


def from_studies(row: Any) -> dict[str, Any]:
    studies = parse_list(row["education"])
    if studies is None:
        return {"first": None, "top": None, "degrees": np.nan}
    levels = [level_of(s.get("degree")) for s in studies]
    first = []
    for study, level in zip(studies, levels, strict=True):
        ends = study.get("end_date")
        if isinstance(ends, str) and re.fullmatch(r"(19[5-9]|20\d)\d(-(0[1-9]|1[0-2])(-[0-3]\d)?)?", ends):
            year = int(ends[:4])
            first += [year * 10 + level] if year <= 2032 else []
    return {"first": min(first, default=None), "top": max(levels, default=None), "degrees": len(levels)}


def from_positions(row: Any) -> dict[str, Any]:
    positions = parse_list(row["work_experience"])
    if positions is None:
        return {"jobs": np.nan, "career_years": np.nan, "worked_years": np.nan}
    pairs = [(parse_months(p.get("start_date")), parse_months(p.get("end_date"))) for p in positions]
    begun = [start for start, _ in pairs if start is not None and start <= MONTHS]
    ends = [(start, MONTHS if end is None else end) for start, end in pairs if start is not None]
    return {
        "jobs": len(positions),
        "career_years": (MONTHS - min(begun)) / 12 if begun else np.nan,
        "worked_years": sum(min(end, MONTHS) - start for start, end in ends if start <= end) / 12,
    }


def connections_of(text: Any) -> float:
    if text == "500+":
        return 500
    try:
        found = float(text)
    except (TypeError, ValueError):
        return np.nan
    return found if found >= 0 else np.nan


def features(row: Any) -> pd.Series:
    """All features of one row."""
    study, work = from_studies(row), from_positions(row)
    skills = parse_list(row["skills"])
    job_start, updated = parse_date(row["job_start_date"]), parse_date(row["profile_updated_date"])
    career = work["career_years"]
    per_year = 1 if np.isnan(career) else max(career, 1)
    per_year = np.nan if np.isnan(career) else per_year
    by_degree = by_career = np.nan
    if study["first"] is not None:
        by_degree = 2026 - study["first"] // 10 + AT_DEGREE.get(study["first"] % 10, 24)
    if not np.isnan(career):
        by_career = career + AT_WORK.get(study["top"], 22)
    both = (2 * max(by_degree, by_career) + min(by_degree, by_career)) / 3
    by_dates = by_career if np.isnan(by_degree) else by_degree if np.isnan(by_career) else both
    tenure = np.nan
    if job_start is not None:
        months = (AS_OF.year - job_start.year) * 12 + AS_OF.month - job_start.month - (AS_OF.day < job_start.day)
        tenure = months / 12
    connections = connections_of(row["linkedin_connection_count"])
    valid = row["linkedin_url_is_valid"]
    return pd.Series({
        "age_by_degree": by_degree, "age_by_career": by_career, "age_by_dates": by_dates,
        "degree_before_career": by_degree - by_career,
        "graduation_year": np.nan if study["first"] is None else study["first"] // 10,
        "degrees": study["degrees"],
        "education_level": None if study["top"] is None else NAMES[study["top"]],
        "career_years": career, "worked_years": work["worked_years"], "jobs": work["jobs"],
        "job_churn": work["jobs"] / per_year, "tenure_years": tenure, "tenure_share": tenure / per_year,
        "job_level": row["job_level"], "title_seniority": seniority(row["job_title"]),
        "job_function": row["job_function"], "industry": row["industry"],
        "compensation": PAY.get(row["compensation_range"], np.nan),
        "company_size": SIZE.get(row["company_size_range"], np.nan),
        "company_revenue": REVENUE.get(row["company_revenue_range"], np.nan),
        "connections": connections, "network_activity": connections / per_year,
        "skills": np.nan if skills is None else len(skills),
        "days_since_update": np.nan if updated is None else (AS_OF - updated).days,
        "updated_quarter": None if updated is None else f"Q{(updated.month + 2) // 3}",
        "linkedin_valid": np.nan if pd.isna(valid) else float(valid),
        "has_facebook": float(pd.notna(row["facebook_url"])), "has_twitter": float(pd.notna(row["twitter_url"])),
        "has_work_email": float(pd.notna(row["work_email"])),
        "has_personal_email": float(pd.notna(row["personal_email"])),
    })  # fmt: skip


def first_rows(source: str, rows: int) -> pd.DataFrame:
    for batch in pq.ParquetFile(source).iter_batches(rows):
        return batch.to_pandas()
    raise SystemExit(f"{source} has no rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("model", type=Path)
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, default=50_000)
    arguments = parser.parse_args()
    decides = json.loads((arguments.model / "card.json").read_text())["decides"]
    frame = first_rows(arguments.source, arguments.rows)
    made = encode(frame.apply(features, axis=1), decides).to_numpy()
    models = [xgb.Booster(model_file=arguments.model / name) for name in ("model.ubj", "spread.ubj", "spread.ubj")]
    names = models[0].feature_names
    kinds = models[0].feature_types
    told, lower, upper = (
        model.predict(xgb.DMatrix(made, feature_names=names, feature_types=kinds, enable_categorical=True))
        for model in models
    )
    factor = decides["calibration"]["factor"]
    known = (2026 - frame["birth_year"]).fillna(frame["approximate_age"])
    result = pd.DataFrame({
        "id": frame["id"], "known_label": known, "value": told,
        "lower": told - factor * lower, "upper": told + factor * upper,
    })  # fmt: skip
    result.to_parquet(arguments.out)


if __name__ == "__main__":
    main()
