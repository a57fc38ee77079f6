"""Which SELECTs compiled code can compute row by row (`runtime.rows`): projections of one table, and nothing else.

While a statement is bound, expressions over the columns of a single relation are followed from SELECT to SELECT down to
the table. Leaves are columns, functions of one text, folds over the members of an array (`programs`), and constants.
None stands for what is not known here; one such column, and the statement is left to DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agecli.engines.dialect import ast
from agecli.engines.dialect.members import Members, Root, coerced, constant
from agecli.engines.dialect.memo import references
from agecli.engines.dialect.mentions import OPENING, chained, renamed
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.trees import walk
from agecli.engines.dialect.types import Type
from agecli.engines.runtime.elements import KINDS, Expr

NO_PROJECTION = "its rows are not made of one row of one table each"
NOT_READ = "it has texts written as U&'...', or signs by which agecli marks its own SQL"
_LONGEST_SQL = 20_000
_MOST_LEAVES, _DEEPEST = 2_000, 120
_RESULTS = frozenset((*KINDS, "varchar", "date", "timestamp"))  # of a function of a text
_BY_COLUMN = frozenset(("ag_json_scan_length",))  # they never raise, and their texts hardly repeat
_BEYOND = (
    ast.Join, ast.Unnest, ast.Sampled, ast.SetOperation, ast.Values, ast.Window,
    ast.InQuery, ast.Quantified, ast.Exists, ast.Scalar,
)  # fmt: skip


@dataclass(frozen=True)
class RowPlan:
    """The columns of a SELECT over one table as expressions over that table's row.

    `counted` are conditions of which a tally is to be told in how many rows each is true, and `identity` are the
    columns by which that tally knows a row, which it need not sum up where the SELECT has them as they are.
    """

    source: Any
    outputs: tuple[Expr, ...]
    counted: tuple[Expr, ...]
    identity: tuple[Expr, ...]


class Rows:
    """What is known of the rows of one statement."""

    def __init__(self) -> None:
        self.sources: dict[str, Any] = {}  # by the alias of the relation
        self.columns: dict[str, Expr | None] = {}  # what is known of the columns that can be named, by their SQL
        self.counted: tuple[Expr | None, ...] = ()
        self.identity: tuple[Expr | None, ...] = ()
        self.queries: list[ast.Query] = []  # SELECTs that stand for tables

    def table(self, alias: str, source: Any) -> list[Expr | None]:
        """The columns of a table."""
        self.sources[alias] = source
        return [
            Expr("column", kind.name, value=(alias, i)) if kind.name in KINDS or kind.name == "varchar" else None
            for i, (_, kind) in enumerate(source.columns)
        ]

    def fold(self, output: Any, root: Root, kind: Type) -> Expr | None:
        """The value of a fold over the members of the array at a root, which has to be a column of the table."""
        column = self.columns.get(f"{root.relation}.{root.column}")
        if kind.name not in KINDS or column is None or (column.op, column.kind) != ("column", "varchar"):
            return None
        return Expr("fold", kind.name, (column,), (output, root.type))

    def inside(self, tree: ast.Query, columns: Sequence[Expr | None], kinds: Sequence[Type], view: Any) -> None:
        """Notes a SELECT that stands for a table, and what its tally counts."""
        self.queries.append(tree)
        self.counted = tuple(truth(columns[i - 1], kinds[i - 1]) for i in view.counted)
        self.identity = tuple(columns[i - 1] for i in view.identity)

    def met(self, bound: Mapping[int, Typed], node: ast.Expr, value: Typed) -> Expr | None:
        """An expression over columns that are known; its parts are bound already."""
        if isinstance(node, ast.Name | ast.Field) and value.sql in self.columns:
            return self.columns[value.sql]
        if isinstance(value.row, Expr) and value.row.op == "fold":
            return value.row
        if value.volatile or len(value.sql) > _LONGEST_SQL:
            return None
        found = _constant(node, value) or _by_column(value, self.columns)
        if found is None:
            found = _Parts(bound, {}).made(node)
            if found is not None and found is self.columns.get(value.sql):  # a cast that does nothing
                return found
            # what looks at texts at all does so once for each text; whether there is one is seen without
            if (found is None or any(part.op == "function" for part in _parts(found))) and OPENING not in value.sql:
                found = _function(value, self.columns) or found
        return found if found is not None and _fits(found, value.type) else None

    def plan(
        self, tree: ast.Query, relation: str, under: Mapping[str, str], columns: Sequence[tuple[str, Expr | None]],
        read: Mapping[str, int],
    ) -> RowPlan | str:  # fmt: skip
        """The plan of a statement over a relation, or why there is none; `under` has those that plain SELECTs are over,
        and `read` says how often each table is named."""
        while relation in under:
            relation = under[relation]
        one_table = len(self.sources) == 1 and all(count == 1 for count in read.values())
        if relation not in self.sources or not one_table or any(map(_not_by_row, walk((tree, *self.queries)))):
            return NO_PROJECTION
        (source,) = self.sources.values()
        if source.plain is None:
            return "the table is not of Parquet files whose columns are read as they lie there"
        known = tuple(column for _, column in columns if column is not None)
        unknown = [name for name, column in columns if column is None]
        if unknown or None in self.counted or None in self.identity:
            named = ", ".join(unknown[:5]) + ", ..." * (len(unknown) > 5) or "what is counted of the rows"
            return f"compiled code does not know how to compute {named}"
        return RowPlan(source, known, self.counted, self.identity)  # type: ignore[arg-type]


def truth(value: Expr | None, kind: Type) -> Expr | None:
    """Is a boolean true, is another value there? What a tally counts."""
    if value is None or kind.name == "boolean":
        return value
    return Expr("not", "boolean", (Expr("is null", "boolean", (value,)),))


class _Parts(Members):
    """Operations over values that are known: those of the members of arrays, and some more."""

    def made(self, node: ast.Expr) -> Expr | None:
        method = _METHODS.get(type(node))
        return method(self, node) if method is not None else None

    def expr(self, node: ast.Expr) -> Expr | None:
        value = self.bound.get(id(node))
        return None if value is None else value.row

    def is_null(self, node: ast.IsNull) -> Expr | None:
        value = self.expr(node.value)
        return None if value is None else Expr("is null", "boolean", (value,))

    def cast(self, node: ast.Cast) -> Expr | None:
        value, bound = self.expr(node.value), self.bound.get(id(node))
        if value is None or bound is None or node.safe:
            return None
        if bound.type.name == "varchar" and bound.type.params:  # it is cut at this length
            return None
        if bound.type.name == "real" and value.kind in ("double", "integer"):
            return Expr("real", "real", (value,))
        return coerced(value, bound.type)

    def case(self, node: ast.Case) -> Expr | None:
        kind = self.bound[id(node)].type
        if kind.name != "varchar":
            return super().case(node)
        texts = [self.body(then, kind) for _, then in node.whens]
        texts.append(Expr("constant", "varchar") if node.default is None else self.body(node.default, kind))
        if any(text is None or text.op not in ("constant", "case") for text in texts):
            return None
        tests: list[Expr | None] = []
        for when, _ in node.whens:
            if node.operand is None:
                tests.append(self.body(when, Type("boolean")))
                continue
            common = self.common(node.operand, when)
            plain = common is not None and common.name in KINDS
            tests.append(self.both("=", node.operand, when, common, "boolean") if common and plain else None)
        if None in tests:
            return None
        pairs = [part for pair in zip(tests, texts[:-1], strict=True) for part in pair]
        return Expr("case", "varchar", (*(part for part in pairs if part is not None), *texts[-1:]))  # type: ignore[arg-type]

    def body(self, node: ast.Expr, kind: Type) -> Expr | None:
        value = self.bound.get(id(node))
        if value is not None and value.type.name == "unknown" and value.is_constant and kind.name == "varchar":
            return Expr("constant", "varchar")
        return super().body(node, kind)

    def call(self, node: ast.Call) -> Expr | None:
        kind = self.bound[id(node)].type
        if node.star or node.distinct or node.order or node.filter is not None or node.over is not None:
            return None
        if node.name == "is_nan" and len(node.args) == 1:
            value = self.body(node.args[0], Type("double"))
            return None if value is None else Expr("<>", "boolean", (value, value))
        if node.name in ("greatest", "least") and kind.name == "double":
            args = [self.body(arg, kind) for arg in node.args]
            known = tuple(arg for arg in args if arg is not None)
            return Expr(node.name, "double", known) if len(known) == len(args) else None
        return super().call(node)


def _fits(found: Expr, kind: Type) -> bool:
    """Is it of the type, neither endless nor so deep that who follows it down comes to the end of Python's stack?"""
    waiting, count = [(found, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        depth += max(1, len(one.args) // 2 if one.op in ("case", "coalesce", "least", "greatest") else 1)
        if count > _MOST_LEAVES or depth > _DEEPEST:
            return False
        waiting += [(arg, depth) for arg in one.args]
    return found.kind == kind.name


def _parts(expr: Expr) -> Iterator[Expr]:
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.args


def _constant(node: ast.Expr, value: Typed) -> Expr | None:
    if isinstance(node, ast.Literal) and value.type.name == "varchar" and isinstance(value.constant, str):
        return Expr("constant", "varchar", value=value.constant)
    return constant(value)


def _by_column(value: Typed, known: Mapping[str, Expr | None]) -> Expr | None:
    """A function of the runtime over a column of texts."""
    name, _, rest = value.sql.partition("(")
    if name not in _BY_COLUMN or not rest.endswith(")"):
        return None
    column = known.get(rest[:-1])
    if column is None or (column.op, column.kind) != ("column", "varchar"):
        return None
    return Expr("call", value.type.name, (column,), name)


def _function(value: Typed, known: Mapping[str, Expr | None]) -> Expr | None:
    """A function of the one text that a value depends on, maybe by way of other functions of it."""
    names = references(value.sql) if value.type.name in _RESULTS else None
    if names is None or len(names) != 1:
        return None
    (name,) = names
    column = known.get(name)
    if column is None:
        return None
    if (column.op, column.kind) == ("column", "varchar"):
        return Expr("function", value.type.name, (column,), (renamed(value.sql, name, "x"), str(value.type)))
    if column.op != "function":
        return None
    sql = chained(column.value[0], value.sql, name)
    if len(sql) > _LONGEST_SQL:
        return None
    return Expr("function", value.type.name, column.args, (sql, str(value.type)))


def _not_by_row(node: object) -> bool:
    """Does it make rows of other than one row each, or bring them into another order?"""
    if isinstance(node, ast.Select):
        others = node.where, node.grouping, node.having
        return bool(node.distinct or node.group_distinct or node.windows or any(one is not None for one in others))
    if isinstance(node, ast.Query):
        return bool(node.order) or node.limit is not None or node.offset is not None
    if isinstance(node, ast.Call):
        return node.over is not None
    return isinstance(node, _BEYOND) or (isinstance(node, ast.Derived) and node.lateral)


_METHODS: dict[type[ast.Expr], Any] = {
    ast.Unary: _Parts.unary,
    ast.Binary: _Parts.binary,
    ast.Between: _Parts.between,
    ast.IsNull: _Parts.is_null,
    ast.Cast: _Parts.cast,
    ast.Case: _Parts.case,
    ast.Call: _Parts.call,
}

__all__ = ["NOT_READ", "NO_PROJECTION", "RowPlan", "Rows", "truth"]
