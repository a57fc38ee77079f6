"""Arrays that are made or rearranged: sequences, repetition, shuffling, n-grams, combinations, sorting by a lambda."""

from __future__ import annotations

from agecli.engines.dialect.evaluation import both, once
from agecli.engines.dialect.functions_arrays import with_parameters
from agecli.engines.dialect.registry import Call, Sql, failure, guard, register
from agecli.engines.dialect.types import duckdb_type
from agecli.errors import SqlFailed, SqlInvalid

_MOST = 10_000


def _sequences() -> None:
    register("sequence", ["bigint", "bigint"], "array(bigint)", emit=_sequence, fails=True)
    register("sequence", ["bigint", "bigint", "bigint"], "array(bigint)", emit=_sequence, fails=True)
    register("sequence", ["date", "date"], "array(date)", emit=_days, fails=True)
    for step in ("interval day to second", "interval year to month"):
        register("sequence", ["date", "date", step], "array(date)", emit=_days, fails=True)
    register("repeat", ["T", "integer"], "array(T)", emit=_repeat, fails=True, strict=False)
    register("array_sort", ["array(T)", "function(T,T,integer)"], "array(T)", emit=_sort_by, fails=True)
    register("shuffle", ["array(E)"], "array(E)", emit=_shuffle, volatile=True)
    register("ngrams", ["array(T)", "bigint"], "array(array(T))", emit=_ngrams)
    register("combinations", ["array(T)", "integer"], "array(array(T))", emit=_combinations)


def _sequence(call: Call) -> Sql:
    """A whole number per step, both ends included; the wrong direction and more than 10,000 are errors."""
    wrong = failure("sequence stop value should follow its start value in the direction of the step", "BIGINT[]")
    many = failure("result of sequence function must not have more than 10000 entries", "BIGINT[]")
    step = call[2].sql if len(call) == 3 else ""
    if len(call) == 3 and call.integer(2) == 0:
        raise SqlFailed("the query fails", "sequence: step must not be zero", "correct it")

    def write(a: str, b: str, bad: str, long: str) -> str:
        by = step or f"CASE WHEN {a} <= {b} THEN 1 ELSE -1 END"
        length = f"abs(CAST({b} AS HUGEINT) - {a}) // abs({by})"
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN sign(CAST({b} AS HUGEINT) - {a}) * sign({by}) < 0 "
            f"THEN {bad} WHEN {length} >= {_MOST} THEN {long} ELSE generate_series({a}, {b}, CAST({by} AS BIGINT)) END"
        )

    return Sql(
        both(call[0], call[1], lambda a, b: write(a, b, wrong, many)),
        both(call[0], call[1], lambda a, b: write(a, b, "NULL", "NULL")),
    )


def _days(call: Call) -> Sql:
    """Dates from one to another, by days or months."""
    months = len(call) == 3 and call[2].type.name == "interval year to month"
    step = 1
    if len(call) == 3:
        step = call.integer(2) if months else call.integer(2) // 86_400_000
        if not months and call.integer(2) % 86_400_000:
            raise SqlFailed("the query fails", "sequence step must be a day interval for dates", "use whole days")
        if step == 0:
            raise SqlFailed("the query fails", "sequence: interval must not be zero", "correct it")
    wrong = failure("sequence stop value should follow its start value in the direction of the step", "DATE[]")

    def write(a: str, b: str, bad: str) -> str:
        by = str(step) if len(call) == 3 else f"CASE WHEN {a} <= {b} THEN 1 ELSE -1 END"
        if months:
            count = f"datediff('month', {a}, {b}) // {by}"
            date = f"CAST({a} + to_months(CAST(i5 * {by} AS INTEGER)) AS DATE)"
            within = f"i5_ <= {b}" if step > 0 else f"i5_ >= {b}"
            made = f"list_filter(list_transform(range(0, {count} + 1), lambda i5: {date}), lambda i5_: {within})"
        else:
            count = f"({b} - {a}) // {by}"
            made = f"list_transform(range(0, {count} + 1), lambda i5: {a} + CAST(i5 * {by} AS INTEGER))"
        long = failure("result of sequence function must not have more than 10000 entries", "DATE[]")
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN sign({b} - {a}) * sign({by}) < 0 THEN {bad} "
            f"WHEN {count} >= {_MOST} THEN {long if bad != 'NULL' else 'NULL'} ELSE {made} END"
        )

    return Sql(
        both(call[0], call[1], lambda a, b: write(a, b, wrong)),
        both(call[0], call[1], lambda a, b: write(a, b, "NULL")),
    )


def _repeat(call: Call) -> Sql:
    count = call[1]
    kind = duckdb_type(call.result)
    made = f"list_resize(CAST([] AS {kind}), {{0}}, {call[0]})"
    if isinstance(count.constant, int):
        if not 0 <= count.constant <= _MOST:
            raise SqlFailed("the query fails", "repeat: count has to be from 0 to 10000", "correct it")
        return Sql(made.format(count), made.format(count), fails=False)
    form = f"CASE WHEN {{0}} < 0 OR {{0}} > {_MOST} THEN {{1}} WHEN {{0}} IS NOT NULL THEN {made} END"
    loud = failure("count argument of repeat function must be from 0 to 10000", kind)
    return Sql(once(count, lambda n: form.format(n, loud)), once(count, lambda n: form.format(n, "NULL")))


def _shuffle(call: Call) -> str:
    return once(call[0], lambda a: f"list_select({a}, list_grade_up(list_transform({a}, lambda e_: random())))")


def _ngrams(call: Call) -> str:
    size = call.integer(1)
    if size < 1:
        raise SqlInvalid("the SQL asks for n-grams of no elements", f"ngrams(_, {size})", "use 1 or more")
    return once(
        call[0],
        lambda a: (
            f"CASE WHEN len({a}) < {size} THEN [{a}] ELSE list_transform(range(1, len({a}) - {size - 2}), "
            f"lambda i_: list_slice({a}, i_, i_ + {size - 1})) END"
        ),
    )


def _combinations(call: Call) -> str:
    size = call.integer(1)
    if not 1 <= size <= 3:
        raise call.refusal("only 1 to 3 elements at a time are supported")
    kind = duckdb_type(call.result)

    def write(a: str) -> str:
        names = [f"k{i}_" for i in range(size)]
        made = "[" + ", ".join(f"list_extract({a}, {n})" for n in names) + "]"
        for index in range(size):
            end = names[index + 1] if index + 1 < size else f"len({a}) + 1"
            made = f"list_transform(range(1, {end}), lambda {names[index]}: {made})"
            if index:
                made = f"flatten({made})"
        return f"CASE WHEN {a} IS NULL THEN NULL ELSE CAST({made} AS {kind}) END"

    return once(call[0], write)


def _sort_by(call: Call) -> Sql:
    """A stable sort by a comparator: an element's place is the number of those before it.

    That is what any stable sort gives where the comparator is an order; where it is not, the query stops.
    """
    function = call[1]
    assert function.body is not None
    body = function.body.sql

    def compared(one: str, other: str) -> str:
        return with_parameters(body, function.parameters, [one, other])

    def write(a: str) -> str:
        numbers = f"range(1, len({a}) + 1)"
        x, y = f"list_extract({a}, i_)", f"list_extract({a}, j_)"
        table = f"list_transform({numbers}, lambda i_: list_transform({numbers}, lambda j_: {compared(x, y)}))"
        return f"list_extract(list_transform([{table}], lambda t_: {_arranged(a, numbers)}), 1)"

    return Sql(once(call[0], write))


def _arranged(array: str, numbers: str) -> str:
    """The array in the order that the table of comparisons t_ says, once that is known to be an order."""
    cell = "list_extract(list_extract(t_, {0}), {1})"
    one, two = cell.format("i_", "j_"), cell.format("j_", "i_")
    wrong = f"i_ <> j_ AND ({one} IS NULL OR {one} NOT IN (-1, 0, 1))"
    before = f"len(list_filter({numbers}, lambda k_: {cell.format('{0}', 'k_')} = 1))"
    place_i, place_j = before.format("i_"), before.format("j_")
    unlike = f"i_ <> j_ AND ({one} <> -{two} OR sign({place_i} - {place_j}) <> {one})"
    some = "len(list_filter({0}, lambda i_: len(list_filter({0}, lambda j_: {1})) > 0)) > 0"
    loud = failure("Lambda comparator must return either -1, 0, or 1", "BOOLEAN")
    strange = guard(some.format(numbers, unlike), "array_sort by a lambda that is no order")
    keys = f"list_transform({numbers}, lambda i_: struct_pack(p := {place_i}, i := i_))"
    sorted_ = f"list_transform(list_sort({keys}), lambda s_: list_extract({array}, struct_extract(s_, 'i')))"
    checks = f"CASE WHEN {some.format(numbers, wrong)} THEN {loud} ELSE {strange} END IS NULL"
    return f"CASE WHEN {array} IS NULL THEN NULL WHEN {checks} THEN {sorted_} END"


_sequences()
