"""Athena's (Trino's) types: their words, their coercions, and what stands for each of them in DuckDB.

A `Type` is exact (`decimal(12,2)`, `varchar(3)`, `array(row(a integer))`): integer division, results of decimal
arithmetic and `typeof` then follow by construction. Representations in DuckDB that are not the obvious one:
`json` is VARCHAR that holds canonical JSON text, `interval day to second` is BIGINT milliseconds, `interval year
to month` is INTEGER months, `char(n)` is VARCHAR padded to n, `timestamp(p) with time zone` is TIMESTAMPTZ (the
instant; its zone, where known, is in `Type.zone`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "decimal", "real", "double")
_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_ALIASES = {"int": "integer", "dec": "decimal", "numeric": "decimal", "string": "varchar", "double precision": "double"}
_ZONED = "timestamp with time zone"


@dataclass(frozen=True)
class Type:
    """One type. `params` are numbers (length; precision and scale), `args` element types, `fields` row names."""

    name: str
    params: tuple[int, ...] = ()
    args: tuple[Type, ...] = ()
    fields: tuple[str | None, ...] = ()
    zone: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if self.name == "row":
            pairs = zip(self.fields, self.args, strict=True)
            return "row(" + ", ".join(f"{_field(n)} {t}" if n else str(t) for n, t in pairs) + ")"
        if self.args:
            return f"{self.name}({', '.join(map(str, self.args))})"
        if self.name == _ZONED:
            return f"timestamp({self.params[0]}) with time zone" if self.params else self.name
        return f"{self.name}({','.join(map(str, self.params))})" if self.params else self.name

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGERS

    @property
    def is_number(self) -> bool:
        return self.name in NUMBERS

    @property
    def is_floating(self) -> bool:
        return self.name in ("real", "double")

    @property
    def element(self) -> Type:
        return self.args[0]

    @property
    def precision(self) -> int:
        return self.params[0]

    @property
    def scale(self) -> int:
        return self.params[1]

    def contains_floating(self) -> bool:
        """Whether a NaN can be somewhere inside a value of this type."""
        return self.is_floating or any(t.contains_floating() for t in self.args)


def _field(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


UNKNOWN = Type("unknown")
BOOLEAN = Type("boolean")
TINYINT = Type("tinyint")
SMALLINT = Type("smallint")
INTEGER = Type("integer")
BIGINT = Type("bigint")
REAL = Type("real")
DOUBLE = Type("double")
VARCHAR = Type("varchar")
VARBINARY = Type("varbinary")
DATE = Type("date")
JSON = Type("json")
DAY_TO_SECOND = Type("interval day to second")
YEAR_TO_MONTH = Type("interval year to month")


def decimal(precision: int, scale: int) -> Type:
    return Type("decimal", (precision, scale))


def varchar(length: int) -> Type:
    return Type("varchar", (length,))


def timestamp(precision: int = 3) -> Type:
    return Type("timestamp", (precision,))


def zoned(precision: int = 3, zone: str | None = None) -> Type:
    return Type(_ZONED, (precision,), zone=zone)


def array(element: Type) -> Type:
    return Type("array", args=(element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", args=(key, value))


def row(fields: tuple[str | None, ...], types: tuple[Type, ...]) -> Type:
    return Type("row", args=types, fields=fields)


_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[A-Za-z_$][A-Za-z0-9_$]*|\d+|[(),<>:])')
_WORDS = (
    "unknown boolean tinyint smallint integer bigint real double varchar char varbinary date time json uuid ipaddress"
)
_SIMPLE = frozenset(_WORDS.split())


def parse_type(text: str) -> Type:
    """A type from its words. One upper-case letter is a type variable (`array(E)`), for function signatures.

    Raises ValueError for words that are no type.
    """
    tokens = _TOKEN.findall(text)
    if re.sub(r"\s", "", "".join(tokens)) != re.sub(r"\s", "", text):
        raise ValueError(f"{text!r} is not a type")
    found, rest = _parse(tokens)
    if rest:
        raise ValueError(f"{text!r} is not a type")
    return found


def _parse(tokens: list[str]) -> tuple[Type, list[str]]:
    if not tokens:
        raise ValueError("a type is missing")
    word, rest = tokens[0], tokens[1:]
    if len(word) == 1 and word.isupper():
        return Type("$" + word), rest
    name = word.lower()
    if name == "interval":
        text = " ".join(t.lower() for t in rest[:3])
        if text in ("day to second", "year to month"):
            return Type(f"interval {text}"), rest[3:]
    if name == "double" and rest and rest[0].lower() == "precision":
        rest = rest[1:]
    name = _ALIASES.get(name, name)
    if name in ("array", "map", "function", "row"):
        return _nested(name, rest)
    params, rest = _numbers(rest)
    if name == "timestamp" and [t.lower() for t in rest[:3]] == ["with", "time", "zone"]:
        return Type(_ZONED, params), rest[3:]
    if name == "decimal" and len(params) == 1:
        params = (params[0], 0)
    if name not in _SIMPLE and name not in ("timestamp", "decimal"):
        raise ValueError(f"{word!r} is not a type")
    return Type(name, params), rest


def _numbers(rest: list[str]) -> tuple[tuple[int, ...], list[str]]:
    if not rest or rest[0] != "(":
        return (), rest
    end = rest.index(")") if ")" in rest else 0
    inside = rest[1:end]
    if not end or not all(t.isdigit() for t in inside[::2]) or any(t != "," for t in inside[1::2]):
        raise ValueError("a type has parameters that are not numbers")
    return tuple(int(t) for t in inside[::2]), rest[end + 1 :]


def _nested(name: str, rest: list[str]) -> tuple[Type, list[str]]:
    if not rest or rest[0] not in "(<":
        raise ValueError(f"{name} needs parameters")
    args: list[Type] = []
    fields: list[str | None] = []
    rest = rest[1:]
    while True:
        label = None
        if name == "row" and len(rest) > 1 and (rest[0].startswith('"') or rest[1] not in "(),<>"):
            ahead = rest[1].lower()
            if rest[0].startswith('"') or not (
                rest[0].lower() in ("timestamp", "interval", "double") and ahead in ("with", "day", "year", "precision")
            ):
                label, rest = rest[0].strip('"').replace('""', '"'), rest[1:]
        inner, rest = _parse(rest)
        args.append(inner)
        fields.append(label)
        if not rest or rest[0] not in ",)>":
            raise ValueError(f"{name} is not closed")
        closed, rest = rest[0] != ",", rest[1:]
        if closed:
            break
    return Type(name, args=tuple(args), fields=tuple(fields) if name == "row" else ()), rest


def integer_digits(kind: Type) -> Type:
    """The decimal that holds any value of an integer type."""
    return decimal(_DIGITS[kind.name], 0)


def common_type(a: Type, b: Type) -> Type | None:
    """The type both coerce to without a cast being written, as Trino finds it; None where there is none."""
    if a == b:
        return a if a.zone == b.zone else replace(a, zone=None)
    if a.name == "unknown":
        return b
    if b.name == "unknown":
        return a
    if a.name == b.name:
        return _same_name(a, b)
    if a.is_number and b.is_number:
        return _wider_number(a, b)
    pair = {a.name, b.name}
    if pair == {"char", "varchar"} and a.params and b.params and max(*a.params, *b.params) <= 1000:
        return Type("char", (max(a.params[0], b.params[0]),))
    if pair == {"date", "timestamp"}:
        return a if a.name == "timestamp" else b
    if pair in ({"date", _ZONED}, {"timestamp", _ZONED}):
        wide, narrow = (a, b) if a.name == _ZONED else (b, a)
        precision = max(wide.precision, narrow.precision) if narrow.params else wide.precision
        return zoned(precision, "UTC" if wide.zone == "UTC" else None)
    return None


def _wider_number(a: Type, b: Type) -> Type:
    if a.is_integer and b.is_integer:
        return max(a, b, key=lambda t: INTEGERS.index(t.name))
    if not (a.is_floating or b.is_floating):
        a, b = (integer_digits(t) if t.is_integer else t for t in (a, b))
        return _common_decimal(a, b)
    return DOUBLE if "double" in (a.name, b.name) else REAL


def _common_decimal(a: Type, b: Type) -> Type:
    scale = max(a.scale, b.scale)
    return decimal(min(38, max(a.precision - a.scale, b.precision - b.scale) + scale), scale)


def _same_name(a: Type, b: Type) -> Type | None:
    if a.name == "varchar":
        return varchar(max(a.params[0], b.params[0])) if a.params and b.params else VARCHAR
    if a.name == "decimal":
        return _common_decimal(a, b)
    if a.name in ("timestamp", _ZONED, "char", "time"):
        return Type(a.name, (max(a.params[0], b.params[0]),), zone=a.zone if a.zone == b.zone else None)
    if len(a.args) != len(b.args) or not a.args:
        return None
    inner = [common_type(x, y) for x, y in zip(a.args, b.args, strict=True)]
    if any(t is None for t in inner):
        return None
    names = tuple(x if x == y else None for x, y in zip(a.fields, b.fields, strict=True))
    return Type(a.name, args=tuple(t for t in inner if t is not None), fields=names)


def coerces(source: Type, target: Type) -> bool:
    """Whether Trino takes a `source` where a `target` is asked for, without a written cast."""
    if source == target or source.name == "unknown":
        return True
    if source.name == "varchar" and target.name == "varchar":
        return not target.params or bool(source.params and source.params[0] <= target.params[0])
    if source.name == target.name == "row":
        return len(source.args) == len(target.args) and all(map(coerces, source.args, target.args))
    if source.is_integer and target.name == "decimal":
        return _DIGITS[source.name] <= target.precision - target.scale
    return common_type(source, target) == target


def duckdb_type(kind: Type) -> str:
    """What stands for a value of this type in DuckDB's SQL."""
    if kind.name == "array":
        return f"{duckdb_type(kind.element)}[]"
    if kind.name == "map":
        return f"MAP({duckdb_type(kind.args[0])}, {duckdb_type(kind.args[1])})"
    if kind.name == "row":
        pairs = zip(field_names(kind), kind.args, strict=True)
        return "STRUCT(" + ", ".join(f"{quote_name(n)} {duckdb_type(t)}" for n, t in pairs) + ")"
    if kind.name == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    return _DUCKDB[kind.name]


_DUCKDB = {
    "unknown": "INTEGER", "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT",
    "integer": "INTEGER", "bigint": "BIGINT", "real": "FLOAT", "double": "DOUBLE", "varchar": "VARCHAR",
    "char": "VARCHAR", "varbinary": "BLOB", "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMP",
    _ZONED: "TIMESTAMPTZ", "json": "VARCHAR", "interval day to second": "BIGINT",
    "interval year to month": "INTEGER",
}  # fmt: skip


def field_names(kind: Type) -> tuple[str, ...]:
    """Names of a row's fields inside DuckDB: its own where all have one and they differ, else field0, field1, ..."""
    names = [n or "" for n in kind.fields]
    if all(names) and len({n.lower() for n in names}) == len(names):
        return tuple(names)
    return tuple(f"field{i}" for i in range(len(names)))


def quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text literal. U+0001 is written as a call, since it marks places in the SQL of aggregates."""
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted if "\x01" not in quoted else "(" + quoted.replace("\x01", "' || chr(1) || '") + ")"
