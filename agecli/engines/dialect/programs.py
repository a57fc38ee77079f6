"""What a query asks of the arrays in JSON columns, gathered into one program for each column (`runtime.program`).

    cardinality(transform(TRY(CAST(json_parse(text) AS ARRAY(...))), ...))   ->   struct_extract(t4.agecli_h1, 'v0')

While a query is bound, arrays parsed from a text are followed through transform, filter and zip_with, and through
SELECTs over a single relation, columns that are NULL or constant as well. A fold over such an array becomes a mark in
the emitted SQL. At the end the marks of one text are an extraction from a column of structs, which is computed where
the text is parsed and handed up from SELECT to SELECT. What is not known here is emitted as without programs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from agecli.engines.dialect import ast
from agecli.engines.dialect.members import (
    Array,
    Members,
    Root,
    coerced,
    constant,
    fails,
    parts,
    root_array,
    with_condition,
    with_item,
)
from agecli.engines.dialect.memo import is_dear, memorable, references
from agecli.engines.dialect.mentions import CLOSING, OPENING, TEXT, chained, columns, may_have_marks, renamed
from agecli.engines.dialect.registry import RUNTIME, Typed, Udf, provide
from agecli.engines.dialect.rows import Rows
from agecli.engines.dialect.types import BOOLEAN, VARCHAR, Type, duckdb_type, quote_text
from agecli.engines.runtime.compiled import enabled
from agecli.engines.runtime.elements import KINDS, Expr

if TYPE_CHECKING:
    from agecli.engines.dialect.expressions import ExpressionBinder
    from agecli.engines.runtime.program import Output

_mark = re.compile(f"{OPENING}([a-z]+) ([^{CLOSING}]*){CLOSING}")
_scanned = re.compile(r"ag_try_json_scan_[0-9a-f]{12}\((\w+)\.(c\d+)\)").fullmatch
_MOST_OUTPUTS = 64
_MOST_FUNCTIONS = 64
_LONGEST_SQL = 20_000


@dataclass(frozen=True)
class Known:
    """Of a column: the array or constant that it is, and its value by what is in the row; each None if unknown."""

    native: Any = None
    row: Any = None


@dataclass(frozen=True)
class OfText:
    """A function of the text at a root: its SQL, in which TEXT stands for the text, and its type."""

    root: Root
    sql: str
    type: Type


@dataclass(frozen=True)
class Wanted:
    """An output, the relation whose columns its place sees, the root of its array, and its SQL without programs."""

    output: Output | OfText
    relation: str
    root: Root
    sql: str
    type: Type


class Programs:
    """The programs of one statement. `relation` is always the alias of a FROM with a single relation."""

    def __init__(self, sql: str) -> None:
        self.on = enabled() and not may_have_marks(sql)
        self.silent = 0  # TRYs around what is bound
        self.bound: dict[int, Typed] = {}
        self.nodes: list[ast.Expr] = []  # of `bound`, so that none of their ids comes again
        self.items: dict[str, list[str]] = {}  # of the SELECT over a relation
        self.under: dict[str, str] = {}  # for a relation that is a SELECT: the relation which that is over
        self.wanted: list[Wanted] = []
        self.rows = Rows()

    def met(self, binder: ExpressionBinder, node: ast.Expr, value: Typed) -> Typed:
        """Notes what an expression became; gives it with the array that it is, or with a mark in its place."""
        if not self.on:
            return value
        self.bound[id(node)] = value
        self.nodes.append(node)
        if binder.relation is None or binder.lambdas:
            return value
        value = self.native(binder, node, value)
        row = self.rows.met(self.bound, node, value)
        if row is not value.row:
            value = replace(value, row=row)
        self.bound[id(node)] = value
        return value

    def native(self, binder: ExpressionBinder, node: ast.Expr, value: Typed) -> Typed:
        """An expression with the array that it is, or with a mark in its place."""
        assert binder.relation is not None
        if isinstance(node, ast.IsNull):
            return self.is_null(binder.relation, node, value)
        if isinstance(node, ast.Call):
            if node.name in _ARRAYS:
                self.bound[id(node)] = value = replace(value, native=_ARRAYS[node.name](self, node, value))
            if node.name in _FOLDS:
                return _FOLDS[node.name](self, binder.relation, node, value)
        return value

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """What is bound meanwhile stands in a TRY, which takes it apart: there are no marks in it."""
        self.silent += 1
        try:
            yield
        finally:
            self.silent -= 1

    def mark(self, kind: str, text: object) -> str:
        return f"{OPENING}{kind} {text}{CLOSING}" if self.on else ""

    def select(self, relation: str, values: Sequence[Typed], sql: Sequence[str]) -> tuple[Known, ...]:
        """Notes the items of the SELECT over a relation; gives what is known of each."""
        self.items[relation] = list(sql)
        return tuple(Known(v.native if v.native is not None else constant(v), v.row) for v in values) if self.on else ()

    def whole(self, relation: str | None, value: Typed, sql: str) -> str:
        """An item of a SELECT that is an array of numbers: a mark, of use where the SELECT is the statement's."""
        array = value.native if isinstance(value.native, Array) else None
        if relation is None or array is None or array.item is None or array.item.kind not in KINDS:
            return sql
        return self.folded(relation, "list", array, replace(value, sql=sql), kind="list").sql

    # texts

    def of_text(self, relation: str | None, value: Typed, inputs: Sequence[Typed]) -> Typed:
        """A mark for a dear item of a SELECT that depends on one text alone, maybe by way of columns below."""
        if not self.on or relation is None or not memorable(value) or OPENING in value.sql:
            return value
        names = references(value.sql)
        column = next((v for v in inputs if names == {v.sql}), None)
        if column is None or value.sql == column.sql or not column.sql.startswith(f"{relation}.c"):
            return value
        found = _composed(column, value, relation)
        if found is None or len(found.sql) > _LONGEST_SQL or not is_dear(found.sql):
            return value
        if found.root.relation not in self.chain(relation):
            return value
        place = self.place(Wanted(found, relation, found.root, value.sql, value.type))
        return value if place is None else replace(value, sql=self.mark("value", place), native=found)

    def chain(self, relation: str) -> list[str]:
        """A relation and those that it is made from, one SELECT below the other."""
        found = [relation]
        while found[-1] in self.under:
            found.append(self.under[found[-1]])
        return found

    # arrays

    def array_of(self, node: ast.Expr) -> Array | None:
        value = self.bound.get(id(node))
        return value.native if value is not None and isinstance(value.native, Array) else None

    def parsed(self, node: ast.Call, value: Typed) -> Array | None:
        from agecli.engines.runtime.json_scan import plan_of  # which needs this package to be whole

        found = _scanned(value.sql)
        if found is None or value.type.name != "array" or plan_of(value.type) is None:
            return None
        return root_array(Root(found[1], found[2], value.type))

    def transformed(self, node: ast.Call, value: Typed) -> Array | None:
        array, made = self.applied(node, value.type.element)
        return None if array is None else with_item(array, made)

    def filtered(self, node: ast.Call, value: Typed) -> Array | None:
        array, made = self.applied(node, BOOLEAN)
        return None if array is None else with_condition(array, made)

    def applied(self, node: ast.Call, kind: Type) -> tuple[Array | None, Expr | None]:
        """The array that a function with a lambda is over, and the lambda's value for each member."""
        array, function = self.array_of(node.args[0]), node.args[1]
        if array is None or not isinstance(function, ast.Lambda):
            return None, None
        element = self.bound[id(node.args[0])].type.element
        parameters = {function.parameters[0]: ("agecli_l0_0", element, array)}
        return array, Members(self.bound, parameters).body(function.body, kind)

    def zipped(self, node: ast.Call, value: Typed) -> Array | None:
        one, two, function = self.array_of(node.args[0]), self.array_of(node.args[1]), node.args[2]
        if one is None or two is None or not isinstance(function, ast.Lambda):
            return None
        if (one.root, one.conditions) != (two.root, two.conditions) or len(set(function.parameters)) != 2:
            return None
        kinds = [self.bound[id(arg)].type.element for arg in node.args[:2]]
        pairs = zip(function.parameters, kinds, (one, two), strict=True)
        parameters = {p: (f"agecli_l0_{i}", k, a) for i, (p, k, a) in enumerate(pairs)}
        return with_item(one, Members(self.bound, parameters).body(function.body, value.type.element), two)

    # folds

    def is_null(self, relation: str, node: ast.IsNull, value: Typed) -> Typed:
        array = self.array_of(node.value)
        return value if array is None else self.folded(relation, "is null", _unvalued(array), value)

    def counted(self, relation: str, node: ast.Call, value: Typed) -> Typed:
        array = self.array_of(node.args[0])
        return value if array is None else self.folded(relation, "count", _unvalued(array), value)

    def extreme(self, relation: str, node: ast.Call, value: Typed) -> Typed:
        array = self.array_of(node.args[0])
        if array is None or array.item is None or value.type.name not in ("integer", "bigint"):
            return value
        return self.folded(relation, node.name.removeprefix("array_"), array, value)

    def placed(self, relation: str, node: ast.Call, value: Typed) -> Typed:
        array, index = self.array_of(node.args[0]), self.bound.get(id(node.args[1]))
        if array is None or array.item is None or index is None or not isinstance(index.constant, int):
            return value
        plain = index.constant and abs(index.constant) < 1 << 31 and value.type.name in KINDS
        return self.folded(relation, "at", array, value, index.constant) if plain else value

    def matched(self, relation: str, node: ast.Call, value: Typed) -> Typed:
        array, made = self.applied(node, BOOLEAN)
        if array is None or made is None:
            return value
        if node.name == "all_match":
            made = Expr("not", "boolean", (made,))
        fold, tested = "any" if node.name == "any_match" else "none", with_item(array, made)
        return value if tested is None else self.folded(relation, fold, tested, value)

    def summed(self, relation: str, node: ast.Call, value: Typed) -> Typed:
        """reduce(array, 0, (sum, x) -> sum + x, sum -> sum)"""
        array, (_, start, step, end) = self.array_of(node.args[0]), node.args
        if array is None or array.item is None or not isinstance(step, ast.Lambda) or not isinstance(end, ast.Lambda):
            return value
        names = [ast.Name(name) for name in step.parameters]
        body = step.body
        plain = isinstance(body, ast.Binary) and body.op == "+" and {body.left, body.right} == set(names)
        first, state = self.bound[id(start)].constant, self.bound.get(id(body))
        if not plain or len(set(names)) != 2 or end.body != ast.Name(end.parameters[0]) or state is None:
            return value
        item = coerced(array.item, state.type)
        kinds = {state.type.name, value.type.name}
        if item is None or not isinstance(first, int) or not kinds < {"integer", "bigint"} or len(kinds) != 1:
            return value
        return self.folded(relation, "sum", replace(array, item=item), value, first)

    def folded(
        self, relation: str, fold: str, array: Array, value: Typed, more: Any = None, kind: str = "value"
    ) -> Typed:
        """A mark for this fold over an array; the value as it is where the way from its text to here is not plain."""
        from agecli.engines.runtime.program import Output  # which needs this package to be whole

        source = self.source(relation, value.sql, array.root)
        if source is None or value.volatile or self.silent or not self.has_room(array):
            return value
        raises = any(map(fails, _values(array))) or fold == "sum"
        output = Output(fold, str(value.type), array.conditions, array.item, more, source, value.sql, raises)
        place = self.place(Wanted(output, relation, array.root, value.sql, value.type))
        if place is None:
            return value
        row = self.rows.fold(output, array.root, value.type) if kind == "value" else None
        return replace(value, sql=self.mark(kind, place), row=row)

    def place(self, wanted: Wanted) -> int | None:
        """Its place among `wanted`, if there is room; SQL written twice has one place, so that it is still the same."""
        if wanted not in self.wanted:
            if len(self.wanted) >= _MOST_OUTPUTS:
                return None
            self.wanted.append(wanted)
        return self.wanted.index(wanted)

    def has_room(self, array: Array) -> bool:
        """Whether one pass over a text can ask all functions of texts inside: those of this array and of all before."""
        known = [w.output for w in self.wanted if w.root == array.root]
        values = [v for o in known if not isinstance(o, OfText) for v in _values(o)]
        asked = {part for value in (*values, *_values(array)) for part in parts(value) if part.op == "function"}
        return len(asked) <= _MOST_FUNCTIONS

    def source(self, relation: str, sql: str, root: Root) -> str | None:
        """SQL for a relation over `texts` with the columns that `sql` mentions; None where they need other columns."""
        if OPENING in sql:
            return None
        found = set(columns(sql))
        if any(owner != relation for owner, _ in found):
            return None
        names = {name for _, name in found}
        if relation == root.relation:
            return f"(SELECT x AS {root.column} FROM texts) AS {relation}" if names <= {root.column} else None
        inner = self.under.get(relation)
        if inner is None or any(not re.fullmatch(r"c\d+", name) for name in names):
            return None
        items = {name: self.items[inner][int(name[1:]) - 1] for name in sorted(names)}
        below = self.source(inner, ", ".join(items.values()), root)
        listed = ", ".join(["1 AS c0", *(f"{item} AS {name}" for name, item in items.items())])
        return None if below is None else f"(SELECT {listed} FROM {below}) AS {relation}"

    # the end

    def finished(self, sql: str, top: str | None) -> str:
        """The SQL with its marks replaced; `top` is the relation that the outermost SELECT is over."""
        if not self.on:
            return sql
        marks = sorted({(kind, text) for kind, text in _mark.findall(sql)})
        dead = self._dead(sql, top)
        used = [self.wanted[int(text)] for kind, text in marks if kind == "value" and text not in dead]
        used += [w for kind, text in marks if kind == "list" and (w := self.wanted[int(text)]).relation == top]
        hidden = {root: f"agecli_h{i}" for i, root in enumerate(dict.fromkeys(w.root for w in used), 1)}
        outputs = {root: list(dict.fromkeys(w.output for w in used if w.root == root)) for root in hidden}
        texts = {name for root, name in hidden.items() if root.type.name == "varchar"}
        passed = {(inner, hidden[w.root]) for w in used for inner in self._between(w)}

        def write(match: re.Match[str]) -> str:
            kind, text = match[1], match[2]
            if kind == "pass":
                names = [name for r, name in sorted(passed) if r == text]
                names += [f"{name}x" for name in names if name in texts]
                return "".join(f", {text}.{name} AS {name}" for name in names)
            here = [root for root in hidden if root.relation == text]
            if kind == "from":
                calls = [f"{_provided(r.type, outputs[r])}({r.column}) AS {hidden[r]}" for r in here]
                calls += [f"{r.column} AS {hidden[r]}x" for r in here if hidden[r] in texts]
                return f"(SELECT *, {', '.join(calls)} FROM " if here else ""
            if kind == "end":
                return f") AS {text}" if here else ""
            wanted = self.wanted[int(text)]
            if (kind == "list" and wanted.relation != top) or (kind == "value" and text in dead):
                return _mark.sub(write, wanted.sql)
            place = outputs[wanted.root].index(wanted.output)
            return _extracted(f"{wanted.relation}.{hidden[wanted.root]}", place, wanted)

        return _mark.sub(write, sql)

    def _dead(self, sql: str, top: str | None) -> set[str]:
        """The marks in items of SELECTs that nothing looks at: not the statement's, nor one that is looked at."""
        mentions = Counter(columns(sql))
        for items in self.items.values():
            mentions.subtract(columns(", ".join(items)))
        live = {(self.under.get(owner), name) for (owner, name), count in mentions.items() if count > 0}
        waiting = [*live, *((top, f"c{i}") for i in range(1, len(self.items.get(top or "", ())) + 1))]
        seen: set[tuple[str | None, str]] = set()
        while waiting:
            item = waiting.pop()
            if item in seen or item[0] not in self.items or not re.fullmatch(r"c\d+", item[1]):
                continue
            seen.add(item)
            text = self.items[item[0]][int(item[1][1:]) - 1]
            waiting += [(self.under.get(owner), name) for owner, name in columns(text)]
        if top is None:
            return set()
        alive = {text for relation, name in seen if relation for text in self._marks(relation, int(name[1:]))}
        every = {
            text
            for relation, items in self.items.items()
            for i in range(len(items))
            for text in self._marks(relation, i + 1)
        }
        return every - alive

    def _marks(self, relation: str, item: int) -> list[str]:
        return [text for kind, text in _mark.findall(self.items[relation][item - 1]) if kind == "value"]

    def _between(self, wanted: Wanted) -> list[str]:
        """The relations whose SELECTs hand the structs on to where they are used."""
        found, relation = [], wanted.relation
        while relation != wanted.root.relation:
            relation = self.under[relation]
            found.append(relation)
        return found


def _composed(column: Typed, value: Typed, relation: str) -> OfText | None:
    """`value`, which depends on `column` alone, as a function of the text that the column depends on."""
    if not isinstance(column.native, OfText):
        if column.type.name != "varchar":
            return None
        root = Root(relation, column.sql.partition(".")[2], VARCHAR)
        return OfText(root, renamed(value.sql, column.sql, TEXT), value.type)
    inner = column.native
    return OfText(inner.root, chained(inner.sql, value.sql, column.sql), value.type)


def _values(array: Array | Output) -> tuple[Expr, ...]:
    """All that is computed of the members."""
    return array.conditions if array.item is None else (*array.conditions, array.item)


def _unvalued(array: Array) -> Array:
    """The array without the values of its members, unless computing them can raise."""
    return array if array.item is not None and fails(array.item) else replace(array, item=None)


def _extracted(struct: str, place: int, wanted: Wanted) -> str:
    value = f"struct_extract({struct}, 'v{place}')"
    if isinstance(wanted.output, OfText):
        plain = wanted.output.sql.replace(TEXT, f"{struct}x")
        return f"CASE WHEN struct_extract({struct}, 'k') THEN {value} ELSE {plain} END"
    if not wanted.output.fails:
        return value
    why = f"struct_extract({struct}, 'e')"
    number = quote_text(f"#{place}#")
    raised = f"CAST(error(split_part(split_part({why}, {number}, 2), '#', 1)) AS {duckdb_type(wanted.type)})"
    here = f"contains({why}, {number})"
    return f"CASE WHEN {why} IS NULL THEN {value} WHEN {here} THEN {raised} ELSE {value} END"


def _provided(target: Type, outputs: Sequence[Any]) -> str:
    """The name of the program with these outputs, made known to the engine at its first use."""
    if target.name == "varchar":
        return _provided_functions([(output.sql.replace(TEXT, "x"), output.type) for output in outputs])
    name = "ag_json_program_" + sha256(f"{target} {outputs!r}".encode()).hexdigest()[:16]
    if name not in RUNTIME:
        from agecli.engines.runtime.program import Program

        program = Program(target, outputs)
        provide(Udf(name, lambda text: program(text), ("VARCHAR",), program.returns()))
    return name


def _provided_functions(functions: Sequence[tuple[str, Type]]) -> str:
    name = "ag_texts_" + sha256(f"{[(sql, str(kind)) for sql, kind in functions]!r}".encode()).hexdigest()[:16]
    if name not in RUNTIME:
        from agecli.engines.runtime.texts import TextFunctions

        found = TextFunctions(functions)
        provide(Udf(name, lambda text: found(text), ("VARCHAR",), found.returns()))
    return name


_ARRAYS: dict[str, Callable[[Programs, ast.Call, Typed], Array | None]] = {
    "try": Programs.parsed,
    "transform": Programs.transformed,
    "filter": Programs.filtered,
    "zip_with": Programs.zipped,
}
_FOLDS: dict[str, Callable[[Programs, str, ast.Call, Typed], Typed]] = {
    "cardinality": Programs.counted,
    "array_min": Programs.extreme,
    "array_max": Programs.extreme,
    "element_at": Programs.placed,
    "any_match": Programs.matched,
    "all_match": Programs.matched,
    "none_match": Programs.matched,
    "reduce": Programs.summed,
}

__all__ = ["Known", "Programs"]
