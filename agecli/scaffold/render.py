"""Writes a proposal down: recipe.toml, staging.sql, features.sql, with the reasons beside what they explain."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agecli.scaffold.labels import Label
from agecli.scaffold.names import comment, literal
from agecli.scaffold.plans import ColumnPlan, Feature, Staged
from agecli.scaffold.sources import Found

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True)
class Id:
    """The id: its column, the alias and first step of staging.sql, and the second step."""

    column: str
    alias: str
    renamed: str
    sql: str


@dataclass(frozen=True)
class Draft:
    """All that is written. `leaks` maps names of features that give the label away to the reason."""

    name: str
    found: Found
    looked_at: str
    id: Id
    label: Label
    plans: Sequence[ColumnPlan]
    leaks: Mapping[str, str]
    dropped: Mapping[str, str]

    def kept(self) -> list[Feature]:
        return [
            f for plan in self.plans for f in plan.features if f.name not in self.leaks and f.name not in self.dropped
        ]


def text(value: str) -> str:
    """A TOML basic string."""
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else "\\" + c if c in '"\\' else c for c in value
    )
    return f'"{escaped}"'


def key(value: str) -> str:
    """A TOML key, bare where it can be."""
    return value if _BARE.match(value) else text(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _line(code: str, note: str, width: int = 44) -> str:
    return f"{code:<{width}}  # {comment(note)}" if note else code


def recipe_toml(draft: Draft) -> str:
    """recipe.toml with what was seen and decided as comments."""
    label = draft.label
    classes = label.task == "classification"
    default = text(str(label.default)) if classes else _number(float(label.default or 0))
    lines = [
        "# Written by `agecli init --from`. It is a proposal: change what you know better, then run again.",
        f"# Looked at {comment(draft.looked_at)}.",
        f"name = {text(draft.name)}",
        f"description = {text(f'Predicts {label.column}')}",
        _line(f"task = {text(label.task)}", label.why),
        _line(f"label = {text(label.column)}", label.remark),
        _line(f"default = {default}", "the most frequent class" if classes else "the median of the known ones"),
        "",
        "[source]",
        f"format = {text(draft.found.format)}",
        f"id = {text(draft.id.column)}",
    ]
    if draft.found.delimiter != ",":
        lines.append(f"delimiter = {text(draft.found.delimiter)}")
    lines += ["", "[source.columns]", *_source_columns(draft), ""]
    if not classes:
        lines += _bounds(label)
    lines += ["[confidence]"]
    if not classes and label.tolerance is not None:
        note = "confidence is the probability that the truth lies within so much of the prediction"
        lines.append(_line(f"tolerance = {_number(label.tolerance)}", note))
    lines += ["level = 0.8", "", "[features]"]
    lines += [_line(f'{f.name} = "{f.kind}"', f.about) for f in draft.kept()]
    lines += _left_out(draft)
    return "\n".join(lines) + "\n"


def _bounds(label: Label) -> list[str]:
    lines = ["[bounds]                                      # a label outside counts as not known"]
    if label.lower is not None:
        lines.append(f"lower = {_number(label.lower)}")
    if label.upper is not None:
        lines.append(f"upper = {_number(label.upper)}")
    return [*lines, "max_share_outside = 0.05", ""]


def _source_columns(draft: Draft) -> list[str]:
    seen = {plan.column: plan for plan in draft.plans}
    lines = []
    for name, word in draft.found.columns.items():
        if word is None:
            lines.append(f"# {comment(name)} cannot be read (see below)")
            continue
        note = "the id" if name == draft.id.column else "the label" if name == draft.label.column else ""
        plan = seen.get(name)
        if plan is not None:
            note = "; ".join(part for part in (plan.seen, plan.remark) if part)
        lines.append(_line(f"{key(name)} = {text(word)}", note))
    return lines


def _left_out(draft: Draft) -> list[str]:
    lines = [f"#   {comment(plan.column)}: {plan.left_out}" for plan in draft.plans if plan.left_out]
    if lines:
        lines = ["", "# Left out:", *lines]
    if draft.leaks:
        lines += [
            "",
            "# Left out because it gives the label away. If it is really known before the label is, take the",
            "# comment signs away here and in features.sql.",
        ]
        kinds = {f.name: f.kind for plan in draft.plans for f in plan.features}
        lines += [_line(f'# {name} = "{kinds[name]}"', why) for name, why in draft.leaks.items()]
    return lines


def staging_sql(draft: Draft) -> str:
    """staging.sql: a first step that renames and trims, a second that gives types."""
    known = [plan for plan in draft.plans if plan.alias]
    renamed = [_as(draft.id.renamed, draft.id.alias), _as(draft.label.renamed, draft.label.alias)]
    renamed += [_as(plan.renamed, plan.alias) for plan in known]
    label = draft.label
    source = literal(comment(label.column, 60))  # cut first: half of a doubled quote would end the text
    columns = [
        f"{draft.id.sql} AS id",
        f"{label.sql} AS known_label",
        f"CASE WHEN {label.sql} IS NOT NULL THEN {source} END AS label_source",
    ]
    blocks: list[tuple[str, str]] = [(column, "") for column in columns]
    blocks += [
        (_as(item.sql, item.name), item.about) for plan in known for item in plan.staged if _used(draft, plan, item)
    ]
    blocks += [(_as(item.sql, item.name), "") for plan in known for item in plan.bad]
    if label.bad:
        blocks.append((f"{label.bad} AS bad_label", ""))
    head = [
        "-- One row for each row of the source: names that SQL can take, and types.",
        "-- What does not fit its type becomes NULL; the columns bad_* count how often that happens.",
        "WITH renamed AS (",
        "  SELECT",
    ]
    body = [*head, *_listed([(item, "") for item in renamed], 4), "  FROM ${source}", ")", "", "SELECT"]
    return "\n".join([*body, *_listed(blocks, 2), "FROM renamed"]) + "\n"


def _used(draft: Draft, plan: ColumnPlan, item: Staged) -> bool:
    """Whether a feature rests on it that is not dropped; what gives the label away stays, to be taken back."""
    features = [f for f in plan.features if f.name not in draft.dropped]
    return any(item.name in re.findall(r"\w+", f.sql) for f in features)


def features_sql(draft: Draft) -> str:
    """features.sql: the features in the order of recipe.toml."""
    blocks = [("id", ""), ("known_label", ""), ("label_source", "")]
    blocks += [(_as(feature.sql, feature.name), "") for feature in draft.kept()]
    lines = ["-- One row for each row of staging. ${as_of} is the last day of the period."]
    leaks = [f for plan in draft.plans for f in plan.features if f.name in draft.leaks]
    if leaks:
        lines.append("-- Left out since they give the label away (to take one back, put it into the list):")
        lines += [f"--   {_as(feature.sql, feature.name)}," for feature in leaks]
    return "\n".join([*lines, "SELECT", *_listed(blocks, 2), "FROM ${staging}"]) + "\n"


def _as(sql: str, name: str) -> str:
    return sql if sql == name else f"{sql} AS {name}"


def _listed(blocks: Sequence[tuple[str, str]], indent: int) -> list[str]:
    """The items of a SELECT, a comma after each but the last, what is to be said of them behind."""
    lines = []
    for number, (code, note) in enumerate(blocks):
        comma = "," if number < len(blocks) - 1 else ""
        remark = f"  -- {comment(note, 80)}" if note else ""
        lines.append(" " * indent + code + comma + remark)
    return lines
