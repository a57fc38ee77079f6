"""Text functions, as Trino means them: characters are code points, case mapping is Java's per character.

DuckDB does what it does alike: everything on ASCII text (as many bytes as characters), and all that only counts or
cuts code points. The rest goes to `runtime.text`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agecli.engines.dialect.native import once
from agecli.engines.dialect.registry import Call, Macro, Sql, emitter, failure, guard, provide, register
from agecli.engines.dialect.types import Type, quote_text
from agecli.engines.runtime import text
from agecli.engines.runtime.arrow import udf

# Character.isWhitespace and the other space separators, as Trino's trim knows them
WHITESPACE = (*range(9, 14), *range(28, 33), 0x1680, *range(0x2000, 0x2007), *range(0x2008, 0x200B),
              0x2028, 0x2029, 0x205F, 0x3000)  # fmt: skip
_SPACES = quote_text("".join(map(chr, WHITESPACE)))
_WIDEST = 1_000_000
_MOST = 2_147_483_647  # DuckDB's positions are 32 bits wide


def _same(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return kinds[0]


def _ascii(value: str) -> str:
    return f"strlen({value}) = length({value})"


def _ascii_first(name: str, native: str, exact: Callable[[str], str]) -> None:
    """A function of one text: native on ASCII, exact elsewhere."""
    exact_name = provide(udf(f"ag_{name}", exact, ["varchar"], "varchar"))

    def emit(call: Call) -> str:
        return once(call[0].sql, lambda v: f"CASE WHEN {_ascii(v)} THEN {native}({v}) ELSE {exact_name}({v}) END")

    register(name, ["varchar"], _same, emit=emit)


def _exact(name: str, body: Callable[..., Any], parameters: list[str], result: str) -> None:
    """A function that only the runtime has, and that can fail as Trino does."""
    places = ", ".join(f"{{{i}}}" for i in range(len(parameters)))
    loud = provide(udf(f"ag_{name}", body, parameters, result))
    quiet = provide(udf(f"ag_try_{name}", body, parameters, result, quiet=True))
    register(name, parameters, result, f"{loud}({places})", quiet=f"{quiet}({places})", fails=True)


def _measures() -> None:
    register("length", ["varchar"], "bigint", "length({0})")
    register("length", ["varbinary"], "bigint", "octet_length({0})")
    register(
        "strpos",
        ["varchar", "varchar"],
        "bigint",
        "CASE WHEN {1} = '' AND {0} IS NOT NULL THEN 1 ELSE strpos({0}, {1}) END",
    )
    register(
        "position",
        ["varchar", "varchar"],
        "bigint",
        "CASE WHEN {1} = '' AND {0} IS NOT NULL THEN 1 ELSE strpos({0}, {1}) END",
    )
    _exact("strpos", text.position, ["varchar", "varchar", "bigint"], "bigint")
    register("starts_with", ["varchar", "varchar"], "boolean", "starts_with({0}, {1})")
    _exact("levenshtein_distance", text.levenshtein_distance, ["varchar", "varchar"], "bigint")
    _exact("hamming_distance", text.hamming_distance, ["varchar", "varchar"], "bigint")
    _exact("luhn_check", text.luhn_check, ["varchar"], "boolean")
    _exact("from_base", text.from_base, ["varchar", "bigint"], "bigint")


def _case_and_order() -> None:
    _ascii_first("upper", "upper", text.upper)
    _ascii_first("lower", "lower", text.lower)
    _ascii_first("reverse", "reverse", text.reverse)
    _exact("soundex", text.soundex, ["varchar"], "varchar(4)")
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        provide(udf(f"ag_normalize_{form.lower()}", _normalizer(form), ["varchar"], "varchar"))


def _normalizer(form: str) -> Callable[[str], str]:
    def body(value: str) -> str:
        return text.normalize(value, form)

    return body


@emitter("normalize", ["varchar", "varchar"], "varchar")
def _normalize(call: Call) -> str:
    form = call.text(1).upper()
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise call.refusal(f"there is no form {form}", "NFC, NFD, NFKC or NFKD")
    return once(call[0].sql, lambda v: f"CASE WHEN {_ascii(v)} THEN {v} ELSE ag_normalize_{form.lower()}({v}) END")


@emitter("normalize", ["varchar"], "varchar")
def _normalize_nfc(call: Call) -> str:
    return once(call[0].sql, lambda v: f"CASE WHEN {_ascii(v)} THEN {v} ELSE ag_normalize_nfc({v}) END")


def _cutting() -> None:
    for name in ("trim", "ltrim", "rtrim"):
        register(name, ["varchar"], _same, f"{name}({{0}}, {_SPACES})")
        register(name, ["varchar", "varchar"], _same, f"{name}({{0}}, {{1}})")
    # from 1; from the end when negative; nothing when 0 or before the beginning
    provide(Macro("ag_substr", f"""(v, s) AS CASE WHEN s > 0 THEN substr(v, least(s, {_MOST}))
        WHEN s < 0 AND -s <= length(v) THEN substr(v, length(v) + s + 1)
        WHEN v IS NOT NULL AND s IS NOT NULL THEN '' END,
        (v, s, n) AS CASE WHEN n <= 0 AND v IS NOT NULL AND s IS NOT NULL THEN ''
        WHEN s > 0 THEN substr(v, least(s, {_MOST}), least(n, {_MOST}))
        WHEN s < 0 AND -s <= length(v) THEN substr(v, length(v) + s + 1, least(n, {_MOST}))
        WHEN v IS NOT NULL AND s IS NOT NULL AND n IS NOT NULL THEN '' END"""))  # fmt: skip
    for name in ("substr", "substring"):
        register(name, ["varchar", "bigint"], _same, emit=_substr)
        register(name, ["varchar", "bigint", "bigint"], _same, emit=_substr)


def _substr(call: Call) -> str:
    start, length = call[1].constant, call[2].constant if len(call) > 2 else 1
    plain = [isinstance(n, int) and 0 < n < _MOST for n in (start, length)]
    arguments = ", ".join(a.sql for a in call.args)
    return f"substr({arguments})" if all(plain) else f"ag_substr({arguments})"


def _joining() -> None:
    def joined(call: Call) -> str:
        return "(" + " || ".join(a.sql for a in call.args) + ")"

    register("concat", ["varchar", "varchar..."], "varchar", emit=joined)
    register("concat_ws", ["varchar", "varchar..."], "varchar", emit=_concat_ws, strict=False)
    register("concat_ws", ["varchar", "array(varchar)"], "varchar", strict=False, template=(
        "CASE WHEN {0} IS NOT NULL THEN CASE WHEN {1} IS NULL THEN NULL"
        " ELSE coalesce(array_to_string({1}, {0}), '') END END"))  # fmt: skip


def _concat_ws(call: Call) -> str:
    return f"concat_ws({', '.join(a.sql for a in call.args)})"


_EMPTY_DELIMITER = failure("The delimiter may not be the empty string", "VARCHAR")


@emitter("split", ["varchar", "varchar"], lambda kinds, types: Type("array", args=(kinds[0],)), fails=True)
def _split(call: Call) -> Sql:
    if isinstance(call[1].constant, str) and call[1].constant:
        return Sql(f"string_split({call[0]}, {call[1]})", fails=False)
    there = f"{call[0]} IS NOT NULL AND {call[1]}"
    quiet = f"CASE WHEN {there} <> '' THEN string_split({call[0]}, {call[1]}) END"
    checked = f"CASE WHEN {call[1]} = '' THEN {_EMPTY_DELIMITER} ELSE {call[1]} END"
    return Sql(f"CASE WHEN {there} IS NOT NULL THEN string_split({call[0]}, {checked}) END", quiet)


def _splitting() -> None:
    three = ["varchar", "varchar", "varchar"]
    _exact("split", text.split_limited, ["varchar", "varchar", "bigint"], "array(varchar)")
    _exact("split_to_map", text.split_to_map, three, "map(varchar,varchar)")
    _exact("split_to_multimap", text.split_to_multimap, three, "map(varchar,array(varchar))")


@emitter("split_part", ["varchar", "varchar", "bigint"], _same, fails=True)
def _split_part(call: Call) -> Sql:
    delimiter, index = call[1].constant, call[2].constant
    if not isinstance(delimiter, str) or not delimiter:
        raise call.refusal("the delimiter has to be a text literal that is not empty")
    parts = f"string_split({call[0]}, {call[1]})"
    if isinstance(index, int) and index > 0:
        return Sql(f"list_extract({parts}, {index})", fails=False)
    wrong = failure("Index must be greater than zero")
    form = f"list_extract({parts}, CASE WHEN {call[2]} > 0 THEN {call[2]} WHEN {call[2]} IS NOT NULL THEN {{0}} END)"
    return Sql(form.format(wrong), form.format("NULL"))


def _replacing() -> None:
    register("replace", ["varchar", "varchar"], "varchar", "replace({0}, {1}, '')")
    register("replace", ["varchar", "varchar", "varchar"], "varchar", emit=_replace)
    name = provide(udf("ag_translate", text.translate, ["varchar", "varchar", "varchar"], "varchar"))
    register("translate", ["varchar", "varchar", "varchar"], "varchar", f"{name}({{0}}, {{1}}, {{2}})")


def _replace(call: Call) -> str:
    if isinstance(call[1].constant, str) and call[1].constant:
        return f"replace({call[0]}, {call[1]}, {call[2]})"
    provide(udf("ag_replace_empty", text.replace_empty, ["varchar", "varchar"], "varchar"))
    between = f"ag_replace_empty({call[0]}, {call[2]})"
    return f"CASE WHEN {call[1]} = '' THEN {between} ELSE replace({call[0]}, {call[1]}, {call[2]}) END"


def _padding(name: str) -> None:
    @emitter(name, ["varchar", "bigint", "varchar"], "varchar", fails=True)
    def pad(call: Call) -> Sql:
        length, filler = call[1].constant, call[2].constant
        if not isinstance(filler, str) or not filler:
            raise call.refusal("what fills has to be a text literal, not empty")
        if isinstance(length, int) and 0 <= length < _WIDEST:
            made = f"{name}({call[0]}, {length}, {call[2]})"
            return Sql(made, made, fails=False)
        wide = guard(f"{{0}} >= {_WIDEST}", f"{name} to {_WIDEST} characters and more", "VARCHAR")
        form = (
            f"CASE WHEN {{0}} BETWEEN 0 AND {_WIDEST - 1} THEN {name}({call[0]}, CAST({{0}} AS INTEGER), {call[2]}) "
            f"WHEN {{0}} < 0 AND {call[0]} IS NOT NULL THEN {{1}} ELSE {wide} END"
        )
        wrong = failure("Target length must be in the range [0..2147483647]", "VARCHAR")
        return Sql(
            once(call[1].sql, lambda n: form.format(n, wrong)), once(call[1].sql, lambda n: form.format(n, "NULL"))
        )


@emitter("chr", ["bigint"], "varchar(1)", fails=True)
def _chr(call: Call) -> Sql:
    valid = f"{call[0]} BETWEEN 0 AND 55295 OR {call[0]} BETWEEN 57344 AND 1114111"
    form = f"CASE WHEN {valid} THEN chr(CAST({call[0]} AS INTEGER)) WHEN {call[0]} IS NOT NULL THEN {{0}} END"
    return Sql(form.format(failure("Not a valid Unicode code point", "VARCHAR")), form.format("NULL"))


@emitter("codepoint", ["varchar(1)"], "integer", fails=True)
def _codepoint(call: Call) -> Sql:
    form = "CASE WHEN length({0}) = 1 THEN unicode({0}) WHEN {0} IS NOT NULL THEN {1} END"
    return Sql(form.format(call[0], failure("Input string must be a single character string", "INTEGER")),
               form.format(call[0], "NULL"))  # fmt: skip


_measures()
_case_and_order()
_cutting()
_joining()
_splitting()
_replacing()
_padding("lpad")
_padding("rpad")
