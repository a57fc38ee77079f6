"""Functions of arrays: lookup, sets, lambdas, sequences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agecli.engines.dialect.casts import cast
from agecli.engines.dialect.operators import both, equality, once
from agecli.engines.dialect.registry import Call, Macro, Sql, Typed, emitter, failure, provide, register
from agecli.engines.dialect.types import VARCHAR, Type, duckdb_type, field_names
from agecli.errors import SqlFailed

_BAD_START = "SQL array indices start at 1"
_MOST = 10_000


def with_parameters(body: str, names: Sequence[str], replacements: Sequence[str]) -> str:
    """A lambda's body with other SQL in place of its parameters, whose names occur nowhere else."""
    others = dict(zip(names, replacements, strict=True))
    return re.sub(r"\b(" + "|".join(names) + r")\b", lambda match: others[match.group(1)], body)


def orderable(call: Call, kind: Type) -> None:
    if kind.args or kind.name in ("json", "unknown"):
        raise call.refusal(f"elements of type {kind} have no order here")


def _lookup() -> None:
    register("cardinality", ["array(E)"], "bigint", "CAST(len({0}) AS BIGINT)")
    register("cardinality", ["map(K,V)"], "bigint", "CAST(cardinality({0}) AS BIGINT)")
    register("element_at", ["array(E)", "bigint"], "E", emit=_element_at, fails=True)
    register("[]", ["array(E)", "bigint"], "E", emit=_subscript, fails=True)
    register("slice", ["array(E)", "bigint", "bigint"], "array(E)", emit=_slice, fails=True)
    register("trim_array", ["array(E)", "bigint"], "array(E)", emit=_trim_array, fails=True)
    register("contains", ["array(E)", "E"], "boolean", emit=_contains)
    register("array_position", ["array(E)", "E"], "bigint", emit=_position)
    register("reverse", ["array(E)"], "array(E)", "list_reverse({0})")
    register("flatten", ["array(array(E))"], "array(E)", "flatten({0})")
    register("array_join", ["array(E)", "varchar"], "varchar", emit=_join)
    register("array_join", ["array(E)", "varchar", "varchar"], "varchar", emit=_join)
    register("concat", ["array(E)", "array(E)..."], "array(E)", emit=_concat)


def _element_at(call: Call) -> Sql:
    index = call[1]
    plain = f"list_extract({call[0]}, {index})"
    if index.is_constant and index.constant != 0:
        return Sql(plain, plain, fails=False)
    quiet = f"list_extract({call[0]}, nullif({index}, 0))"
    wrong = failure(_BAD_START)
    return Sql(
        f"list_extract({call[0]}, {once(index, lambda i: f'CASE WHEN {i} = 0 THEN {wrong} ELSE {i} END')})", quiet
    )


def _subscript(call: Call) -> Sql:
    if isinstance(call[1].constant, int) and call[1].constant < 1:
        raise SqlFailed("the query fails", f"array subscript {call[1].constant}: {_BAD_START}", "use element_at")

    def write(array: str, index: str) -> str:
        bad = f"{array} IS NOT NULL AND ({index} < 1 OR {index} > len({array}))"
        checked = f"CASE WHEN {bad} THEN {failure('Array subscript out of bounds')} ELSE {index} END"
        return f"list_extract({array}, {checked})"

    return Sql(both(call[0], call[1], write), f"list_extract({call[0]}, CASE WHEN {call[1]} >= 1 THEN {call[1]} END)")


def _slice(call: Call) -> Sql:
    start, length = call[1], call[2]
    if isinstance(start.constant, int) and isinstance(length.constant, int):
        if start.constant == 0 or length.constant < 0:
            raise SqlFailed("the query fails", f"slice: {_BAD_START}, and length is not negative", "correct it")
        sql = once(call[0], lambda a: f"ag_slice({a}, {start}, {length})")
        return Sql(sql, sql, fails=False)

    def write(array: str, on_error: str) -> str:
        wrong = f"({start} = 0 OR {length} < 0)"
        return (
            f"CASE WHEN {array} IS NOT NULL AND {wrong} THEN {on_error} ELSE ag_slice({array}, {start}, {length}) END"
        )

    loud = failure(_BAD_START, duckdb_type(call.result))
    return Sql(once(call[0], lambda a: write(a, loud)), once(call[0], lambda a: write(a, "NULL")))


provide(
    Macro(
        "ag_slice",
        "(l, i, n) AS CASE WHEN i < 0 AND -i > len(l) THEN list_slice(l, 2, 1) "
        "WHEN i < 0 THEN list_slice(l, len(l) + i + 1, len(l) + i + n) ELSE list_slice(l, i, i + n - 1) END",
    )
)


def _trim_array(call: Call) -> Sql:
    count = call.integer(1)
    if count < 0:
        raise SqlFailed("the query fails", "trim_array: size must not be negative", "correct it")
    loud = failure("size must not exceed array cardinality", duckdb_type(call.result))
    write = "CASE WHEN len({0}) < {1} THEN {2} ELSE list_slice({0}, 1, len({0}) - {1}) END"
    return Sql(
        once(call[0], lambda a: write.format(a, count, loud)), once(call[0], lambda a: write.format(a, count, "NULL"))
    )


def _contains(call: Call) -> Sql:
    kind = call[0].type.element
    if not kind.args and not kind.is_floating:
        return Sql(both(call[0], call[1], lambda a, x: f"ag_contains({a}, {x})"))
    return Sql(both(call[0], call[1], lambda a, x: _any(a, lambda e: equality(kind, e, x, 5), "c5")))


provide(
    Macro(
        "ag_contains",
        "(l, x) AS CASE WHEN l IS NULL OR x IS NULL THEN NULL WHEN list_contains(l, x) THEN true "
        "WHEN list_position(l, NULL) IS NOT NULL THEN NULL ELSE false END",
    )
)


def _any(array: str, test: Callable[[str], str], name: str) -> str:
    """Three-valued OR over a list that is cheap to write twice: NULL for a NULL list, false for an empty one."""
    coded = f"list_transform({array}, lambda {name}: coalesce(CAST({test(name)} AS INTEGER) * 2, 1))"
    return f"list_extract([false, NULL, true], 1 + greatest(list_max({coded}), len({array}) * 0))"


def _match(name: str) -> Callable[[Call], Sql]:
    def emit(call: Call) -> Sql:
        function = call[1]
        assert function.body is not None
        variable, body = function.parameters[0], function.body.sql
        if name == "all_match":
            body = f"(NOT {body})"
        found = once(call[0], lambda a: _any(a, lambda _: body, variable))
        return Sql(found if name == "any_match" else f"(NOT {found})")

    return emit


def _position(call: Call) -> Sql:
    kind = call[0].type.element
    if kind.args:
        raise call.refusal("elements are arrays or rows")
    if kind.is_floating:
        found = "list_position(list_transform({0}, lambda p5: {1}), true)"
        test = equality(kind, "p5", "{1}", 6)
        return Sql(both(call[0], call[1], lambda a, x: _found(a, x, found.format(a, test.format(None, x)))))
    return Sql(both(call[0], call[1], lambda a, x: _found(a, x, f"list_position({a}, {x})")))


def _found(array: str, item: str, position: str) -> str:
    return f"CAST(CASE WHEN {array} IS NULL OR {item} IS NULL THEN NULL ELSE coalesce({position}, 0) END AS BIGINT)"


def _join(call: Call) -> Sql:
    element = call[0].type.element
    if element.args:
        raise call.refusal("elements are arrays or rows")
    variable = f"j{call[0].sql.count('lambda ')}"
    text = cast(Typed(variable, element), VARCHAR).sql
    if len(call) == 3:
        text = f"coalesce({text}, {call[2]})"

    def write(array: str, separator: str) -> str:
        listed = array if text == variable else f"list_transform({array}, lambda {variable}: {text})"
        if call[1].is_constant:
            joined = f"coalesce(array_to_string({listed}, {separator}), '')"
        else:
            known = f"list_filter({listed}, lambda e_: e_ IS NOT NULL)"
            folded = f"list_reduce({known}, lambda a_, b_: a_ || {separator} || b_)"
            joined = f"CASE WHEN len({known}) = 0 THEN '' ELSE {folded} END"
        return f"CASE WHEN {array} IS NULL OR {separator} IS NULL THEN NULL ELSE {joined} END"

    made = once(call[0], lambda a: write(a, call[1].sql))
    if len(call) == 3 and not call[2].is_constant:
        made = f"CASE WHEN {call[2]} IS NULL THEN NULL ELSE {made} END"
    return Sql(made)


def _concat(call: Call) -> Sql:
    items = [a.sql for a in call.args]
    nulls = " OR ".join(f"({i}) IS NULL" for i in items)
    joined = items[0]
    for item in items[1:]:
        joined = f"list_concat({joined}, {item})"
    return Sql(f"CASE WHEN {nulls} THEN NULL ELSE {joined} END")


def _sets() -> None:
    provide(Macro("ag_distinct", "(l) AS list_filter(l, lambda e_, i_: list_position(l, e_) = i_)"))
    provide(
        Macro(
            "ag_except",
            "(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(b) = 0 THEN a "
            "ELSE list_filter(a, lambda e_, i_: list_position(b, e_) IS NULL AND list_position(a, e_) = i_) END",
        )
    )
    provide(
        Macro(
            "ag_intersect",
            "(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL "
            "ELSE list_filter(CASE WHEN len(a) >= len(b) THEN a ELSE b END, lambda e_, i_: "
            "list_position(a, e_) IS NOT NULL AND list_position(b, e_) IS NOT NULL "
            "AND list_position(CASE WHEN len(a) >= len(b) THEN a ELSE b END, e_) = i_) END",
        )
    )
    provide(
        Macro(
            "ag_overlap",
            "(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL "
            "WHEN list_has_any(list_filter(a, lambda e_: e_ IS NOT NULL), list_filter(b, lambda e_: e_ IS NOT NULL)) "
            "THEN true WHEN len(a) > 0 AND len(b) > 0 AND "
            "(list_position(a, NULL) IS NOT NULL OR list_position(b, NULL) IS NOT NULL) THEN NULL ELSE false END",
        )
    )
    register("array_distinct", ["array(E)"], "array(E)", emit=_distinct)
    for name, macro in (("array_except", "ag_except"), ("array_intersect", "ag_intersect")):
        register(name, ["array(E)", "array(E)"], "array(E)", emit=_of_two(macro))
    register("array_union", ["array(E)", "array(E)"], "array(E)", emit=_union)
    register("arrays_overlap", ["array(E)", "array(E)"], "boolean", emit=_overlap)
    register("array_remove", ["array(E)", "E"], "array(E)", emit=_remove)
    register("array_sort", ["array(E)"], "array(E)", emit=_sort)
    register("array_max", ["array(E)"], "E", emit=_extreme)
    register("array_min", ["array(E)"], "E", emit=_extreme)


def _distinct(call: Call) -> str:
    return once(call[0], lambda a: f"ag_distinct({a})")


def _of_two(macro: str) -> Callable[[Call], str]:
    return lambda call: both(call[0], call[1], lambda a, b: f"{macro}({a}, {b})")


def _union(call: Call) -> str:
    def write(a: str, b: str) -> str:
        joined = Typed(f"list_concat({a}, {b}) || CAST([] AS {duckdb_type(call.result)})", call.result, volatile=True)
        distinct = once(joined, lambda both_: f"ag_distinct({both_})", "n")
        return f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE {distinct} END"

    return both(call[0], call[1], write)


def _overlap(call: Call) -> str:
    if call[0].type.contains_floating() or call[0].type.element.args:
        raise call.refusal("elements are floating numbers, arrays or rows")
    return both(call[0], call[1], lambda a, b: f"ag_overlap({a}, {b})")


def _remove(call: Call) -> str:
    kind = call[0].type.element
    if kind.args:
        raise call.refusal("elements are arrays or rows")

    def write(a: str, x: str) -> str:
        same = f"coalesce({equality(kind, 'r5', x, 6)}, false)"
        return f"CASE WHEN {x} IS NULL THEN NULL ELSE list_filter({a}, lambda r5: NOT {same}) END"

    return both(call[0], call[1], write)


def _sort(call: Call) -> str:
    orderable(call, call[0].type.element)
    return f"list_sort({call[0]}, 'ASC', 'NULLS LAST')"


def _extreme(call: Call) -> str:
    kind = call[0].type.element
    if kind.name != "unknown":
        orderable(call, kind)

    def write(a: str) -> str:
        best = f"list_{call.name.removeprefix('array_')}({a})"
        if kind.is_floating:
            sign = ">" if call.name == "array_max" else "<"
            better = f"isnan(a_) OR (b_ {sign} a_ AND NOT isnan(b_))"
            folded = f"list_reduce({a}, lambda a_, b_: CASE WHEN {better} THEN b_ ELSE a_ END)"
            best = f"CASE WHEN len({a}) > 0 THEN {folded} END"
        return f"CASE WHEN list_position({a}, NULL) IS NOT NULL THEN NULL ELSE {best} END"

    return once(call[0], write)


def _lambdas() -> None:
    register("transform", ["array(T)", "function(T,U)"], "array(U)", "list_transform({0}, {1})")
    register("filter", ["array(T)", "function(T,boolean)"], "array(T)", "list_filter({0}, {1})")
    for name in ("any_match", "all_match", "none_match"):
        register(name, ["array(T)", "function(T,boolean)"], "boolean", emit=_match(name))
    register("reduce", ["array(T)", "S", "function(S,T,S)", "function(S,R)"], "R", emit=_reduce, strict=False)
    register("zip_with", ["array(T)", "array(U)", "function(T,U,R)"], "array(R)", emit=_zip_with)
    for count in range(2, 6):
        names = ["T", "U", "V", "W", "X"][:count]
        fields = f"array(row({', '.join(names)}))"
        register("zip", [f"array({n})" for n in names], fields, emit=_zip)


def _reduce(call: Call) -> Sql:
    """A fold over structs of element and state, so that both keep their own type."""
    step, finish = call[2], call[3]
    assert step.body is not None and finish.body is not None
    element, state = duckdb_type(call[0].type.element), duckdb_type(call[1].type)
    kind = f"STRUCT(e {element}, s {state})"
    depth = "".join(a.sql for a in call.args).count("lambda ")
    a, b, r = f"ra{depth}", f"rb{depth}", f"rr{depth}"
    merged = with_parameters(step.body.sql, step.parameters, [f"struct_extract({a}, 's')", f"struct_extract({b}, 'e')"])
    start = f"CAST(struct_pack(e := NULL, s := {call[1]}) AS {kind})"
    packed = f"CAST(struct_pack(e := NULL, s := {merged}) AS {kind})"

    def fold(array: str) -> str:
        rows = f"list_transform({array}, lambda {r}: CAST(struct_pack(e := {r}, s := NULL) AS {kind}))"
        return f"struct_extract(list_reduce({rows}, lambda {a}, {b}: {packed}, {start}), 's')"

    if finish.body.sql == finish.parameters[0]:
        return Sql(fold(call[0].sql))
    name, finished = finish.parameters[0], finish.body.sql

    def whole(array: str) -> str:
        ended = f"list_extract(list_transform([{fold(array)}], lambda {name}: {finished}), 1)"
        return f"CASE WHEN {array} IS NULL THEN NULL ELSE {ended} END"

    return Sql(once(call[0], whole))


def _zip_with(call: Call) -> str:
    function = call[2]
    assert function.body is not None
    z = f"z{''.join(a.sql for a in call.args).count('lambda ')}"
    items = [f"struct_extract_at({z}, 1)", f"struct_extract_at({z}, 2)"]
    body = with_parameters(function.body.sql, function.parameters, items)

    def write(a: str, b: str) -> str:
        made = f"list_transform(list_zip({a}, {b}), lambda {z}: {body})"
        return f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE {made} END"

    return both(call[0], call[1], write)


def _zip(call: Call) -> str:
    items = [a.sql for a in call.args]
    nulls = " OR ".join(f"({i}) IS NULL" for i in items)
    z = f"z{''.join(items).count('lambda ')}"
    names = field_names(call.result.element)
    packed = ", ".join(f"{n} := struct_extract_at({z}, {i})" for i, n in enumerate(names, 1))
    made = f"list_transform(list_zip({', '.join(items)}), lambda {z}: struct_pack({packed}))"
    return f"CASE WHEN {nulls} THEN NULL ELSE {made} END"


@emitter("array_histogram", ["array(T)"], "map(T,bigint)")
def array_histogram(call: Call) -> str:
    kind = call[0].type.element
    if kind.args or kind.is_floating:
        raise call.refusal("elements are floating numbers, arrays or rows")
    counted = "CAST(len(list_filter({0}, lambda f_: f_ = e_)) AS BIGINT)"

    def write(a: str) -> str:
        keys = f"ag_distinct(list_filter({a}, lambda d_: d_ IS NOT NULL))"
        pairs = f"list_transform({keys}, lambda e_: struct_pack(key := e_, value := {counted.format(a)}))"
        return f"CAST(map_from_entries({pairs}) AS {duckdb_type(call.result)})"

    return once(call[0], write)


@emitter("contains_sequence", ["array(E)", "array(E)"], "boolean")
def contains_sequence(call: Call) -> str:
    if call[0].type.contains_floating() or call[0].type.element.args:
        raise call.refusal("elements are floating numbers, arrays or rows")
    return both(
        call[0],
        call[1],
        lambda a, b: (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN len({b}) = 0 THEN true ELSE "
            f"list_contains(list_transform(range(1, len({a}) - len({b}) + 2), lambda i_: "
            f"list_slice({a}, i_, i_ + len({b}) - 1) = {b}), true) END"
        ),
    )


_lookup()
_sets()
_lambdas()
