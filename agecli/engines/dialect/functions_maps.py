"""Functions of maps."""

from __future__ import annotations

from collections.abc import Callable

from agecli.engines.dialect.functions_arrays import with_parameters
from agecli.engines.dialect.operators import both, once
from agecli.engines.dialect.registry import Call, Sql, failure, register
from agecli.engines.dialect.types import duckdb_type, field_names, quote_text


def _entries(call: Call, index: int = 0) -> str:
    return f"map_entries({call[index]})"


def _register() -> None:
    register("map", [], "map(unknown,unknown)", "CAST(map([], []) AS MAP(INTEGER, INTEGER))")
    register("map", ["array(K)", "array(V)"], "map(K,V)", emit=_map, fails=True)
    register("[]", ["map(K,V)", "K"], "V", emit=_subscript, fails=True)
    register("element_at", ["map(K,V)", "K"], "V", "map_extract_value({0}, {1})")
    register("map_keys", ["map(K,V)"], "array(K)", "map_keys({0})")
    register("map_values", ["map(K,V)"], "array(V)", "map_values({0})")
    register("map_entries", ["map(K,V)"], "array(row(K,V))", emit=_map_entries)
    register("map_from_entries", ["array(row(K,V))"], "map(K,V)", emit=_from_entries, fails=True)
    register("map_concat", ["map(K,V)", "map(K,V)..."], "map(K,V)", emit=_concat)
    register("map_filter", ["map(K,V)", "function(K,V,boolean)"], "map(K,V)", emit=_over_entries(_filtered))
    register("transform_values", ["map(K,V)", "function(K,V,W)"], "map(K,W)", emit=_over_entries(_new_values))
    register("transform_keys", ["map(K,V)", "function(K,V,N)"], "map(N,V)", emit=_over_entries(_new_keys), fails=True)
    register("map_zip_with", ["map(K,V)", "map(K,W)", "function(K,V,W,R)"], "map(K,R)", emit=_zip_with)
    register("multimap_from_entries", ["array(row(K,V))"], "map(K,array(V))", emit=_multimap)


def _map(call: Call) -> Sql:
    if call.result.args[0].contains_floating():
        raise call.refusal("keys are floating numbers")

    def write(keys: str, values: str) -> str:
        return f"CASE WHEN {keys} IS NULL OR {values} IS NULL THEN NULL ELSE map({keys}, {values}) END"

    return Sql(both(call[0], call[1], write))


def _subscript(call: Call) -> Sql:
    kind = duckdb_type(call.result)

    def write(entries: str, key: str) -> str:
        missing = f"{entries} IS NOT NULL AND {key} IS NOT NULL AND NOT map_contains({entries}, {key})"
        wrong = failure("Key not present in map", kind)
        return f"CASE WHEN {missing} THEN {wrong} ELSE map_extract_value({entries}, {key}) END"

    return Sql(both(call[0], call[1], write), f"map_extract_value({call[0]}, {call[1]})")


def _map_entries(call: Call) -> str:
    first, second = field_names(call.result.element)
    pair = f"struct_pack({first} := struct_extract(e_, 'key'), {second} := struct_extract(e_, 'value'))"
    return f"list_transform({_entries(call)}, lambda e_: {pair})"


def _from_entries(call: Call) -> Sql:
    names = [quote_text(n) for n in field_names(call[0].type.element)]
    pair = f"struct_pack(key := struct_extract(e_, {names[0]}), value := struct_extract(e_, {names[1]}))"
    return Sql(f"map_from_entries(list_transform({call[0]}, lambda e_: {pair}))")


def _concat(call: Call) -> str:
    items = [a.sql for a in call.args]
    nulls = " OR ".join(f"({i}) IS NULL" for i in items)
    return f"CASE WHEN {nulls} THEN NULL ELSE map_concat({', '.join(items)}) END"


def _over_entries(write: Callable[[str, str, str], str]) -> Callable[[Call], str]:
    def emit(call: Call) -> str:
        function = call[1]
        assert function.body is not None
        e = f"e{call[0].sql.count('lambda ') + function.body.sql.count('lambda ')}"
        pair = [f"struct_extract({e}, 'key')", f"struct_extract({e}, 'value')"]
        body = with_parameters(function.body.sql, function.parameters, pair)
        made = f"map_from_entries({write(_entries(call), e, body)})"
        return f"CAST({made} AS {duckdb_type(call.result)})"

    return emit


def _filtered(entries: str, e: str, body: str) -> str:
    return f"list_filter({entries}, lambda {e}: {body})"


def _new_values(entries: str, e: str, body: str) -> str:
    return f"list_transform({entries}, lambda {e}: struct_pack(key := struct_extract({e}, 'key'), value := {body}))"


def _new_keys(entries: str, e: str, body: str) -> str:
    return f"list_transform({entries}, lambda {e}: struct_pack(key := {body}, value := struct_extract({e}, 'value')))"


def _zip_with(call: Call) -> str:
    function = call[2]
    assert function.body is not None
    key = f"k{''.join(a.sql for a in call.args).count('lambda ')}"

    def write(a: str, b: str) -> str:
        values = [key, f"map_extract_value({a}, {key})", f"map_extract_value({b}, {key})"]
        assert function.body is not None
        body = with_parameters(function.body.sql, function.parameters, values)
        fresh = f"list_filter(map_keys({b}), lambda f_: NOT map_contains({a}, f_))"
        pair = f"struct_pack(key := {key}, value := {body})"
        pairs = f"list_transform(list_concat(map_keys({a}), {fresh}), lambda {key}: {pair})"
        made = f"CAST(map_from_entries({pairs}) AS {duckdb_type(call.result)})"
        return f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE {made} END"

    return both(call[0], call[1], write)


def _multimap(call: Call) -> str:
    names = [quote_text(n) for n in field_names(call[0].type.element)]

    def write(entries: str) -> str:
        keys = f"list_transform({entries}, lambda e_: struct_extract(e_, {names[0]}))"
        same = f"list_filter({entries}, lambda f_: struct_extract(f_, {names[0]}) = struct_extract(g_, {names[0]}))"
        values = f"list_transform({same}, lambda h_: struct_extract(h_, {names[1]}))"
        first = f"list_filter({entries}, lambda g_, i_: list_position({keys}, struct_extract(g_, {names[0]})) = i_)"
        pairs = (
            f"list_transform({first}, lambda g_: struct_pack(key := struct_extract(g_, {names[0]}), value := {values}))"
        )
        return f"CAST(map_from_entries({pairs}) AS {duckdb_type(call.result)})"

    return once(call[0], write)


_register()
