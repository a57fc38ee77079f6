"""Chunks of profiles: the same rows however many are asked for, dirt at the stated rates, nothing else broken."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.synth import words
from agecli.synth.chunk import CHUNK_ROWS, MISSING, PRESENT, SCHEMA, Chunk, chunk
from agecli.synth.columns import MALFORMED, ids

JSON_COLUMNS = ("education", "work_experience", "skills")


@pytest.fixture(scope="module")
def whole() -> Chunk:
    return chunk(seed=11, number=0)


def rows_of(text: pa.ChunkedArray) -> list[str]:
    return [value for value in text.to_pylist() if value is not None]


def parsed(text: str) -> object:
    """The JSON value of a text, or the exception."""
    try:
        return json.loads(text)
    except ValueError as error:
        return error


@settings(max_examples=6, deadline=None)
@given(rows=st.integers(1, 3000))
def test_the_first_rows_do_not_depend_on_how_many_follow(whole: Chunk, rows: int) -> None:
    short = chunk(seed=11, number=0, rows=rows)
    assert short.table.equals(whole.table.slice(0, rows).combine_chunks())
    assert (short.age == whole.age[:rows]).all()


def test_another_seed_or_chunk_gives_other_people(whole: Chunk) -> None:
    for other in (chunk(seed=12, number=0, rows=500), chunk(seed=11, number=1, rows=500)):
        assert not set(other.table["id"].to_pylist()) & set(whole.table["id"].to_pylist())
        assert other.table["work_experience"] != whole.table["work_experience"].slice(0, 500)


def test_ids_are_unique_over_chunks() -> None:
    found = pa.concat_arrays([ids(3, number * CHUNK_ROWS, CHUNK_ROWS) for number in range(8)])
    assert len(found.unique()) == 8 * CHUNK_ROWS
    assert all(re.fullmatch("[0-9a-f]{32}", text) for text in found.slice(0, 100).to_pylist())


def test_columns_are_of_the_stated_types(whole: Chunk) -> None:
    assert whole.table.schema.equals(SCHEMA)


@pytest.mark.parametrize(("column", "share"), [*MISSING.items(), *((k, 1 - v) for k, v in PRESENT.items())])
def test_cells_are_missing_at_the_stated_rate(whole: Chunk, column: str, share: float) -> None:
    assert whole.table[column].null_count / CHUNK_ROWS == pytest.approx(share, abs=4 * (0.25 / CHUNK_ROWS) ** 0.5)


@pytest.mark.parametrize("column", JSON_COLUMNS)
def test_malformed_json_is_malformed_and_all_else_is_an_array(whole: Chunk, column: str) -> None:
    values = [parsed(text) for text in rows_of(whole.table[column])]
    arrays = sum(isinstance(value, list) for value in values)
    assert len(values) - arrays == whole.tally[f"malformed {column}"]
    assert (len(values) - arrays) / CHUNK_ROWS == pytest.approx(sum(MALFORMED.values()), abs=0.005)


@pytest.mark.parametrize("column", JSON_COLUMNS)
def test_texts_have_escapes_and_letters_of_many_scripts(whole: Chunk, column: str) -> None:
    texts = rows_of(whole.table[column])
    assert any("\\" in text for text in texts)
    assert any(not text.isascii() for text in texts)
    assert sum("\\" in text for text in texts) == whole.tally[f"escapes in {column}"]
    assert sum(not text.isascii() for text in texts) == whole.tally[f"unicode in {column}"]


def test_dates_are_written_in_several_ways_and_some_are_junk(whole: Chunk) -> None:
    texts = rows_of(whole.table["job_start_date"])
    months = sum(re.fullmatch(r"(19|20)\d\d-\d\d", text) is not None for text in texts)
    days = sum(re.fullmatch(r"(19|20)\d\d-\d\d-\d\d", text) is not None for text in texts)
    assert months > 0.3 * len(texts) and days > 0.3 * len(texts)
    assert {"unknown", "0000-00", "1800-01", "2999-12", "2019-02-30"} <= set(texts)


def test_connections_are_text_such_as_500_plus(whole: Chunk) -> None:
    texts = rows_of(whole.table["linkedin_connection_count"])
    assert texts.count("500+") == whole.tally["500+ linkedin_connection_count"] > 0.1 * CHUNK_ROWS
    assert {"n/a", "1,024", "-5"} <= set(texts)
    assert max(int(text) for text in texts if text.isdigit()) <= 500


def test_a_label_is_the_age_unless_it_is_absurd(whole: Chunk) -> None:
    born = whole.table["birth_year"].cast("double").to_numpy()
    approximate = whole.table["approximate_age"].cast("double").to_numpy()
    label = np.where(np.isnan(born), approximate, 2026 - born)
    sensible = (label >= 16) & (label <= 90)
    assert (sensible == whole.labelled).all()
    assert (label[sensible] == whole.age[sensible]).all()
    absurd = (np.isfinite(label) & ~sensible).sum()
    assert 0 < absurd < 0.01 * np.isfinite(label).sum()
    assert (np.isfinite(born) & np.isfinite(approximate)).any()


def first_match(text: str, forms: dict[int, str], otherwise: int) -> int:
    return next((level for level, form in forms.items() if re.search(form, text.lower())), otherwise)


@pytest.mark.parametrize(
    ("table", "forms", "otherwise"),
    [
        (
            words.degrees(),
            {
                3: r"^(bachelor|bsc|b\.a|b\.s)",
                4: r"^(master|mba|msc|m\.a|m\.s)",
                2: r"^(associate|a\.a)",
                1: "^(high school|ged|secondary)",
                5: r"^(doctor|ph\.?d|juris)",
            },
            0,
        ),
        (
            words.titles(),
            {
                0: r"^(junior|jr\.|trainee)|intern$",
                2: r"^(senior|sr\.)",
                3: "^(lead|principal|staff) ",
                6: "^(vp|svp|vice president)",
                7: "^(chief|president|founder|owner)",
                5: "^(director|head of)|director$",
                4: "manager",
            },
            1,
        ),
    ],
    ids=["degrees", "titles"],
)
def test_a_degree_or_title_says_its_level(table: words.Grouped, forms: dict[int, str], otherwise: int) -> None:
    """With the expressions of queries/profiles/staging.sql, in their order."""
    for level, (first, size) in enumerate(zip(table.first, table.size, strict=True)):
        texts = table.texts.slice(int(first), int(size)).to_pylist()
        assert {first_match(text, forms, otherwise) for text in texts} == {level}


def test_every_piece_of_json_is_well_formed() -> None:
    pieces = [
        words.company_heads(),
        words.company_endings(),
        words.schools(),
        words.degrees().texts,
        words.titles().texts,
    ]
    for text in pa.concat_arrays([*pieces, words.teams()]).to_pylist():
        assert isinstance(json.loads(f'"{text}"'), str)
    for text in words.skills().to_pylist():
        assert isinstance(json.loads(text), str)
