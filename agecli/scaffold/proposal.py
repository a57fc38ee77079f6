"""From a stranger's file to a recipe: look, decide, try, write.

    find the files -> draw a sample -> plan every column -> run the planned SQL over the sample
                   -> leave out what is empty, constant, or gives the label away -> render

The SQL is run by the same engine that will run the recipe, so what is proposed has worked once.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from agecli import recipe as recipes
from agecli.engines import open_engine
from agecli.engines.base import Column, Table
from agecli.errors import ConfigError, DataError
from agecli.scaffold import columns, labels, leaks, nested, profiling, render, sampling, sources
from agecli.scaffold.names import Names, comment, literal, quoted, safe
from agecli.scaffold.plans import ColumnPlan, Feature, Profile
from agecli.scaffold.render import Draft, Id
from agecli.scaffold.sampling import Sample, identifier
from agecli.workspace import write_bytes

_TRIED_ROWS = 30_000
_MOST_FEATURES = 300
_SHOWN = 10  # columns that are left out for one reason and get a line each


@dataclass(frozen=True)
class Proposal:
    """A recipe not yet written. `notes` says in plain lines what was decided and what the user should look at."""

    name: str
    task: str
    label: str
    recipe_toml: str
    staging_sql: str
    features_sql: str
    features: Mapping[str, str]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """The notes, for the screen."""
        return list(self.notes)


def propose(source: str, id: str, label: str, task: str | None = None) -> Proposal:
    """Looks at a file, a folder or a glob of Parquet, CSV or JSON Lines and proposes a recipe for it.

    `id` and `label` name columns, `task` is "regression", "classification" or None (decided by the label). At most
    200,000 rows are looked at, in bounded memory. Raises ConfigError for a source, column or task that cannot be
    used, DataError for data that says nothing (no rows, no id, no label).
    """
    if task not in (None, "regression", "classification"):
        raise ConfigError(f"the task {task!r}", "it is neither regression nor classification", "leave --task out")
    found = sources.find(source)
    with tempfile.TemporaryDirectory(prefix="agecli-init-") as folder:
        scratch = Path(folder)
        sample = sampling.draw(found, label, scratch)
        with sampling.connect(scratch) as connection:
            return _Proposer(connection, sample).propose(id, label, task)


def write(proposal: Proposal, folder: Path) -> list[str]:
    """Writes recipe.toml, staging.sql and features.sql into a folder (`queries/<name>`) and gives the notes."""
    if (folder / "recipe.toml").exists():
        raise ConfigError(f"a recipe is in {folder} already", "it may hold your own changes", "move it away first")
    for name, content in (
        ("recipe.toml", proposal.recipe_toml),
        ("staging.sql", proposal.staging_sql),
        ("features.sql", proposal.features_sql),
    ):
        write_bytes(folder / name, content.encode())
    return list(proposal.notes)


class _Proposer:
    """One proposal in the making: the sample, the names given out so far."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sample: Sample) -> None:
        self.connection, self.sample = connection, sample
        self.taken = Names()

    def propose(self, id: str, label: str, task: str | None) -> Proposal:
        id_name, label_name = self._column(id, "--id"), self._column(label, "--label")
        if id_name == label_name:
            raise ConfigError(f"--id and --label are both {id_name!r}", "they are two columns", "name another --label")
        twice, usable = self._readable()
        for name, flag in ((id_name, "--id"), (label_name, "--label")):
            if name not in usable:
                what = "rename one of the two" if "lower case" in twice[name] else "write this one in another way"
                fix = f"name another column with {flag}, or {what}"
                raise ConfigError(f"column {name!r} cannot be used", twice[name], fix)
        self._check_id(id_name)
        identity = self._id(id_name)
        about = labels.plan(self.connection, self.sample, self._profile(label_name), task, self.taken)
        plans = [self._plan(name) for name in usable if name not in (id_name, label_name)]
        plans += [ColumnPlan(n, self.sample.found.columns[n], "", left_out=why) for n, why in twice.items()]
        readable = {n: w if n in usable else None for n, w in self.sample.found.columns.items()}
        found = replace(self.sample.found, columns=readable)
        draft = Draft(_recipe_name(self.sample), found, self.sample.how, identity, about, plans, {}, {})
        return _finish(self._try(draft), usable)

    def _column(self, asked: str, flag: str) -> str:
        """The source's own spelling of a column's name."""
        known = list(self.sample.found.columns)
        if asked in known:
            return asked
        folded = [name for name in known if name.lower() == asked.lower()]
        if len(folded) == 1:
            return folded[0]
        fix = recipes.nearest(asked, known)
        if flag == "--id":
            fix += "; " + self._id_advice()
        raise ConfigError(f"no column {asked!r} in {self.sample.found.path}", f"{flag} names none of its columns", fix)

    def _readable(self) -> tuple[dict[str, str], list[str]]:
        """Columns that cannot be read everywhere, with the reason, and those that can."""
        found = self.sample.found.columns
        bad: dict[str, str] = {}
        spelled: dict[str, str] = {}
        for name, word in found.items():
            if not name.strip():
                bad[name] = "it has no name: give it one in the first line of the file"
            elif any(ord(c) < 32 for c in name) or "${" in name:
                bad[name] = "its name cannot be written in SQL"
            elif word is None:
                bad[name] = self.sample.found.unreadable[name]
            elif spelled.setdefault(name.lower(), name) != name:
                other = spelled[name.lower()]
                bad[name] = f"it differs from {other!r} only in upper and lower case, and SQL takes both for {other!r}"
        return bad, [name for name in found if name not in bad]

    def _profile(self, name: str) -> Profile:
        return profiling.profile(self.connection, self.sample, name)

    def _plan(self, name: str) -> ColumnPlan:
        profile = self._profile(name)
        if profiling.is_nested(profile.type):
            return nested.plan(profile, self.taken)
        plan = columns.plan(profile, self.taken)
        return nested.plan(profile, self.taken) if plan.left_out == "json" else plan

    def _id(self, name: str) -> Id:
        """The id keeps its type; in text files it is a number where every row shows that it is one."""
        word = self.sample.found.columns[name] or ""
        alias = self.taken.take(f"{name}_of_source" if safe(name) == "id" else name)
        if word == "varchar":
            whole = self.sample.whole and self.sample.found.format != "parquet" and self._all_whole_numbers(name)
            sql = f"TRY_CAST({alias} AS BIGINT)" if whole else alias
            return Id(name, alias, f"nullif(trim({quoted(name)}), '')" if whole else quoted(name), sql)
        if word in ("tinyint", "smallint", "integer", "bigint"):
            return Id(name, alias, quoted(name), alias if word == "bigint" else f"CAST({alias} AS BIGINT)")
        if profiling.is_numeric(word) and self._profile(name).whole:
            return Id(name, alias, quoted(name), f"CAST({alias} AS BIGINT)")
        raise ConfigError(f"column {name!r} is no id", f"it is a {word}: an id is a whole number or text",
                          self._id_advice())  # fmt: skip

    def _all_whole_numbers(self, name: str) -> bool:
        """Whether every row's text is the plain form of a whole number, so that as a number it stays unique."""
        (others,) = self.connection.execute(
            f"SELECT count(*) FROM {self._table()} WHERE NOT regexp_full_match(trim({identifier(name)}),"
            " '0|-?[1-9][0-9]{0,17}')"
        ).fetchall()[0]
        return int(others) == 0

    def _table(self) -> str:
        return f"read_parquet({literal(str(self.sample.file))})"

    def _check_id(self, name: str) -> None:
        column = identifier(name)
        if self.sample.found.columns[name] == "varchar":
            column = f"nullif(trim({column}), '')"
        nulls, filled, distinct = self.connection.execute(
            f"SELECT count(*) - count({column}), count({column}), count(DISTINCT {column}) FROM {self._table()}"
        ).fetchall()[0]
        if nulls:
            raise DataError(f"{nulls:,} of {self.sample.rows:,} rows have no {name!r}", "the id is missing there",
                            f"give every row an id, or: {self._id_advice()}")  # fmt: skip
        if distinct < filled:
            twice = self.connection.execute(
                f"SELECT {column}, count(*) FROM {self._table()} GROUP BY 1 HAVING count(*) > 1"
                " ORDER BY 2 DESC, 1 LIMIT 3"
            ).fetchall()
            shown = ", ".join(f"{comment(str(value), 40)} ({count} rows)" for value, count in twice)
            raise DataError(f"{name!r} is not unique", f"{filled - distinct:,} rows repeat one, such as {shown}",
                            f"leave one row for each, or: {self._id_advice()}")  # fmt: skip

    def _id_advice(self) -> str:
        unique = profiling.unique_columns(self.connection, self.sample)
        if any(not name.strip() for name in self.sample.found.columns):
            return "a column has no name: give it one in the first line of the file, such as row_id, then --id row_id"
        if unique:
            return "columns that are different in every row: " + ", ".join(
                f"--id {shlex.quote(name)}" for name in unique
            )
        query = f"SELECT row_number() OVER () AS row_id, * FROM {sampling.shown_reader(self.sample.found)}"
        script = f"import duckdb; duckdb.sql(\"COPY ({query}) TO 'with_id.parquet'\")"
        return f"no column is different in every row; this adds one: python -c {shlex.quote(script)}"

    def _try(self, draft: Draft) -> Draft:
        """Runs the draft over the sample and leaves out what shows itself to be of no use."""
        rows = self._run(draft)
        known = rows.column("known_label")
        dropped = _useless(draft, rows, known)
        tried, classes = {}, draft.label.task == "classification"
        for plan in draft.plans:
            for feature in plan.features:
                if feature.name not in dropped:
                    tried[feature.name] = _tried(feature, rows.column(feature.name))
        found = leaks.find(tried, _codes(known) if classes else _floats(known), classes)
        found |= _of_the_same_value(draft.plans, found, tried)
        kept = [name for name in tried if name not in found]
        for name in kept[_MOST_FEATURES:]:
            dropped[name] = f"only the first {_MOST_FEATURES} features are kept"
        return Draft(draft.name, draft.found, draft.looked_at, draft.id, draft.label, draft.plans, found, dropped)

    def _run(self, draft: Draft) -> pa.Table:
        """The features of up to 30,000 rows of the sample, labelled ones first, as the engine computes them."""
        if not draft.kept():
            why = f"all were left out: {_reasons(draft.plans)}" if draft.plans else "the file has no others"
            raise DataError("no column is left to learn from", why,
                            "write the recipe by hand: agecli init DIR --recipe titanic shows one")  # fmt: skip
        file = self.sample.file.parent / "tried.parquet"
        known = sampling.is_known(draft.found, draft.label.column)
        self.connection.execute(
            f"COPY (SELECT * FROM {self._table()} ORDER BY NOT ({known}), hash({identifier(draft.id.column)})"
            f" LIMIT {_TRIED_ROWS}) TO {literal(str(file))} (FORMAT parquet)"
        )
        names = tuple(Column(name, word) for name, word in draft.found.columns.items() if word is not None)
        table = Table((str(file),), "parquet", names)
        staging = recipes.render(render.staging_sql(draft), {"source": "source", "as_of": _AS_OF})
        features = recipes.render(render.features_sql(draft), {"staging": f"({staging})", "as_of": _AS_OF})
        engine = open_engine("duckdb", threads=2, memory_mb=1024, temp_directory=file.parent)
        return engine.query(features, {"source": table})


_AS_OF = f"DATE '{date(2024, 12, 31).isoformat()}'"


def _useless(draft: Draft, rows: pa.Table, known: pa.ChunkedArray) -> dict[str, str]:
    """Features that are empty or the same wherever the label is known, or equal to one before them."""
    labelled = rows.filter(known.is_valid())
    found: dict[str, str] = {}
    before: dict[bytes, str] = {}
    for plan in draft.plans:
        for feature in plan.features:
            values = labelled.column(feature.name).combine_chunks()
            if values.null_count == len(values):
                found[feature.name] = "empty wherever the label is known"
            elif len(values.unique()) == 1:
                found[feature.name] = "the same wherever the label is known"
            else:
                digest = repr(values.to_pylist()).encode()
                if digest in before:
                    found[feature.name] = f"the same as {before[digest]}"
                before.setdefault(digest, feature.name)
    return found


def _of_the_same_value(
    plans: Sequence[ColumnPlan], found: Mapping[str, str], tried: Mapping[str, object]
) -> dict[str, str]:
    """The other parts of a value of which one gives the label away, each with the reason."""
    more: dict[str, str] = {}
    for plan in plans:
        leaking = {feature.of: feature.name for feature in plan.features if feature.of and feature.name in found}
        for feature in plan.features:
            if feature.of in leaking and feature.name in tried and feature.name not in found:
                more[feature.name] = f"it comes of the same value as {leaking[feature.of]}"
    return more


def _tried(feature: Feature, values: pa.ChunkedArray) -> leaks.Tried:
    if feature.kind == "categorical":
        return leaks.Tried(_codes(values), True)
    return leaks.Tried(_floats(values), False, feature.presence)


def _floats(values: pa.ChunkedArray) -> leaks.Floats:
    return np.asarray(values.cast(pa.float64()).to_numpy(), np.float64)


def _codes(values: pa.ChunkedArray) -> leaks.Floats:
    """Texts as numbers from 0 in order of appearance, NULL as NaN."""
    encoded = values.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _recipe_name(sample: Sample) -> str:
    """A name from the file's or the folder's: `data/cars 2024.csv` becomes `cars_2024`."""
    path = Path(sample.found.path)
    words = [re.sub(r"[*?\[\]]", "", part) for part in (path.name, path.parent.name)]
    for word in words:
        stem = word.split(".")[0]
        if safe(stem) not in ("field", ""):
            return safe(stem)
    return "recipe"


def _few_lines(left_out: Mapping[str, str]) -> list[str]:
    """What was left out, a line each; of many for one reason a line for all, recipe.toml has them one by one."""
    by_reason: dict[str, list[str]] = {}
    for name, why in left_out.items():
        by_reason.setdefault(why, []).append(comment(name, 60))
    lines = []
    for why, names in by_reason.items():
        if len(names) > _SHOWN:
            lines.append(f"left out {len(names)}, from {names[0]} to {names[-1]}: {why}")
        else:
            lines += [f"left out {name}: {why}" for name in names]
    return lines


def _reasons(plans: Sequence[ColumnPlan]) -> str:
    return "; ".join(f"{comment(plan.column, 40)}: {plan.left_out}" for plan in plans[:10])


def _finish(draft: Draft, usable: Sequence[str]) -> Proposal:
    """The draft as texts, with the notes for the screen."""
    label, kept = draft.label, draft.kept()
    if not kept:
        reasons = "; ".join(f"{name}: {why}" for name, why in {**draft.leaks, **draft.dropped}.items())
        raise DataError("no feature is left to learn from", reasons[:500] or _reasons(draft.plans),
                        "write the recipe by hand: agecli init DIR --recipe titanic shows one")  # fmt: skip
    left_out = {plan.column: plan.left_out for plan in draft.plans if plan.left_out}
    notes = [
        f"looked at {draft.looked_at}; {len(usable)} columns",
        f"{label.task}: {label.why}; {label.labelled:,} of them are labelled",
    ]
    if label.remark:
        notes.append(f"{comment(label.column, 60)}: {label.remark}")
    if label.classes:
        shown = ", ".join(f"{comment(v, 30)} ({n:,})" for v, n in list(label.classes.items())[:8])
        notes.append(f"classes: {shown}" + (", ..." if len(label.classes) > 8 else ""))
    else:
        notes.append(
            f"labels outside {label.lower:g} to {label.upper:g} count as not known; tolerance {label.tolerance:g}"
        )
    numeric = sum(f.kind == "numeric" for f in kept)
    notes.append(f"{len(kept)} features: {numeric} numbers, {len(kept) - numeric} categories")
    notes += [f"{comment(plan.column, 60)}: {plan.remark}" for plan in draft.plans if plan.remark]
    notes += _few_lines(left_out | dict(draft.dropped))
    notes += [f"LEFT OUT {name}, it gives the label away: {why}" for name, why in draft.leaks.items()]
    return Proposal(
        draft.name, label.task, label.column,
        render.recipe_toml(draft), render.staging_sql(draft), render.features_sql(draft),
        {f.name: f.kind for f in kept}, left_out | dict(draft.dropped) | dict(draft.leaks), tuple(notes),
    )  # fmt: skip
