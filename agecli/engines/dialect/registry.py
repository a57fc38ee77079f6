"""The list of what is allowed: functions, aggregates and casts by name and argument types, and what they become.

Nothing outside this list runs; the binder refuses it by name. Function modules fill it when they are imported
(`functions_*.py`, named in `dialect/__init__.py`). Types are written in Athena's words, a single upper-case letter
is a type variable, `varchar` takes any varchar(n), `decimal` any decimal, `timestamp` any precision. Arguments
arrive already coerced as Trino would (an integer where a double is asked for is cast).

    # a template: {0}, {1} are the arguments' SQL, {r} the DuckDB type of the result
    register("strpos", ["varchar", "varchar"], "bigint", "strpos({0}, {1})")

    # it can fail on the data: say so, and give the form that answers NULL instead, for TRY
    register("from_iso8601_date", ["varchar"], "date", "ag_iso_date({0})", fails=True, quiet="ag_try_iso_date({0})")

    # literals are looked at before anything runs; what is not supported is refused by name
    @emitter("date_parse", ["varchar", "varchar"], "timestamp(3)", fails=True)
    def date_parse(call: Call) -> Sql:
        format = call.text(1)                              # refuses an argument that is not a text literal
        if "%U" in format:
            raise call.refusal("format token %U")
        return Sql(f"ag_date_parse({call[0]}, {quote_text(duck)})", quiet=f"ag_try_date_parse({call[0]}, ...)")

    register("flatten", ["array(array(E))"], "array(E)", "flatten({0})")                    # generic
    register("concat", ["varchar", "varchar..."], "varchar", emit=concat)                    # one or more of the last
    register("transform", ["array(T)", "function(T,U)"], "array(U)", "list_transform({0}, {1})")
    register_cast("varchar", "bigint", "ag_text_to_bigint({0})", fails=True, quiet="ag_try_text_to_bigint({0})")
    register_cast("json", "T", emit=json_to_any, fails=True)                                # call.result is the target

**Quiet forms.** `TRY(f(a, b))` uses the quiet form of f over the quiet forms of a and b. That is exact only if f is
NULL whenever one of its arguments is, which `strict=True` (the default) promises; otherwise DuckDB's own TRY is
used where that is proven safe, else the TRY is refused. A function without `fails` needs no quiet form.

**Guards.** What only the data can tell: `guard(condition, "dates after the year 9999")` is SQL that raises
(SqlRefused for the user) where the condition holds and is NULL elsewhere. `failure("Division by zero")` is SQL
that raises what Trino raises too (SqlFailed, and NULL inside TRY).

**Runtime.** SQL may use macros and functions named `ag_*`; the engine installs those that a query's text mentions
(and those that their text mentions), so start-up costs nothing. `provide(Macro(...))` and `provide(Udf(...))` add
them, at import or while an expression is translated (one function per target type).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agecli.engines.dialect.types import Type, coerces, common_type, duckdb_type, parse_type, quote_text
from agecli.errors import SqlRefused

REFUSED = "agecli-refused: "
FAILED = "agecli-failed: "


class _NotConstant:
    def __repr__(self) -> str:
        return "NOT_CONSTANT"


NOT_CONSTANT = _NotConstant()


@dataclass(frozen=True)
class Typed:
    """A translated expression: DuckDB SQL, the Trino type it stands for, and what is known about it.

    `constant` is the Python value of a literal (str, int, Decimal, float, bool, None), else NOT_CONSTANT.
    `fails` says that evaluating it can raise an error that Trino raises too; `quiet` is then the SQL that is NULL
    instead, or None where there is no such form; `broken` is SQL that says (never NULL) whether it would raise, where
    that is known. A lambda has its parameters' SQL names and its `body`. `native` is what `programs` know of it,
    `row` what `rows` do.
    Of a double narrowed to real, `narrowed` has the SQL of both, first the real's.
    """

    sql: str
    type: Type
    constant: Any = NOT_CONSTANT
    fails: bool = False
    quiet: str | None = None
    parameters: tuple[str, ...] = ()
    body: Typed | None = None
    volatile: bool = False
    broken: str | None = None
    native: Any = field(default=None, compare=False)
    row: Any = field(default=None, compare=False)
    narrowed: tuple[str, str] | None = None

    def __str__(self) -> str:
        return self.sql

    @property
    def is_constant(self) -> bool:
        return self.constant is not NOT_CONSTANT

    def silenced(self) -> Typed | None:
        """The same value with NULL in place of an error; None where that form is not known."""
        if self.body is not None:
            return None if self.body.fails else self
        if not self.fails:
            return self
        return None if self.quiet is None else replace(self, sql=self.quiet, fails=False, quiet=None, broken=None)

    @property
    def breaks(self) -> str | None:
        """SQL that says whether it raises: `false` for what never does, None where it is not known."""
        return self.broken if self.fails else "false"


@dataclass(frozen=True)
class Sql:
    """What an emitter gives back; `type` overrides the declared result type (for results that depend on literals)."""

    sql: str
    quiet: str | None = None
    type: Type | None = None
    fails: bool | None = None
    constant: Any = NOT_CONSTANT


@dataclass(frozen=True)
class Call:
    """A call that the binder asks an emitter to translate; `call[0]` is the first argument, its str() its SQL."""

    name: str
    args: tuple[Typed, ...]
    result: Type
    types: Mapping[str, Type] = field(default_factory=dict)

    def __getitem__(self, index: int) -> Typed:
        return self.args[index]

    def __len__(self) -> int:
        return len(self.args)

    def refusal(self, why: str, fix: str = "") -> SqlRefused:
        """The error for something about this call that is not supported; `why` names it."""
        shown = f"{self.name}({', '.join(str(a.type) for a in self.args)})"
        return SqlRefused(f"{shown} is refused", why, fix or "write it in another way")

    def text(self, index: int, what: str = "") -> str:
        """The text literal at `index`; anything but a literal is refused."""
        value = self.args[index].constant
        if not isinstance(value, str):
            raise self.refusal(f"argument {index + 1}{what and f' ({what})'} has to be a text literal")
        return value

    def integer(self, index: int) -> int:
        """The integer literal at `index`; anything but a literal is refused."""
        value = self.args[index].constant
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refusal(f"argument {index + 1} has to be an integer literal")
        return value


Emit = Callable[[Call], "str | Sql"]
Result = str | Callable[[Sequence[Type], Mapping[str, Type]], Type]


@dataclass(frozen=True)
class Overload:
    """One row of the list. `repeats` says that the last parameter stands for one or more arguments."""

    name: str
    parameters: tuple[Type, ...]
    result: Type | Callable[[Sequence[Type], Mapping[str, Type]], Type]
    emit: Emit
    fails: bool = False
    strict: bool = True
    repeats: bool = False
    kind: str = "scalar"
    volatile: bool = False

    def parameter(self, index: int) -> Type:
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        return count >= len(self.parameters) if self.repeats else count == len(self.parameters)

    def __str__(self) -> str:
        shown = ", ".join(str(p).replace("$", "") for p in self.parameters)
        return f"{self.name}({shown}{'...' if self.repeats else ''})"


FUNCTIONS: dict[str, list[Overload]] = {}
AGGREGATES: dict[str, list[Overload]] = {}
WINDOWS: dict[str, list[Overload]] = {}
CASTS: list[Overload] = []


def register(
    name: str,
    parameters: Sequence[str],
    result: Result,
    template: str | None = None,
    *,
    emit: Emit | None = None,
    quiet: str | None = None,
    fails: bool = False,
    strict: bool = True,
    volatile: bool = False,
    kind: str = "scalar",
) -> None:
    """Allows a function for these argument types. See the module's docstring."""
    repeats = bool(parameters) and parameters[-1].endswith("...")
    overload = Overload(
        name,
        tuple(parse_type(p.removesuffix("...")) for p in parameters),
        parse_type(result) if isinstance(result, str) else result,
        emit or _template(template or "", quiet),
        fails,
        strict,
        repeats,
        kind,
        volatile,
    )
    tables = {"scalar": FUNCTIONS, "aggregate": AGGREGATES, "window": WINDOWS}
    tables[kind].setdefault(name, []).append(overload)


def emitter(name: str, parameters: Sequence[str], result: Result, **options: Any) -> Callable[[Emit], Emit]:
    """`register` as a decorator of the function that translates the call."""

    def keep(function: Emit) -> Emit:
        register(name, parameters, result, emit=function, **options)
        return function

    return keep


def register_cast(
    source: str,
    target: str,
    template: str | None = None,
    *,
    emit: Emit | None = None,
    quiet: str | None = None,
    fails: bool = False,
) -> None:
    """Allows CAST from one type to another. The last registered cast that fits is used; `call.result` is the target.

    TRY_CAST uses the quiet form.
    """
    pair = (parse_type(source), parse_type(target))
    CASTS.insert(0, Overload("cast", pair, Type("unknown"), emit or _template(template or "", quiet), fails))


def _template(template: str, quiet: str | None) -> Emit:
    def fill(text: str, call: Call) -> str:
        return text.format(*(a.sql for a in call.args), r=duckdb_type(call.result))

    def emit(call: Call) -> Sql:
        return Sql(fill(template, call), None if quiet is None else fill(quiet, call))

    return emit


def failure(message: str, kind: str = "BIGINT") -> str:
    """SQL that raises an error which Trino raises on this data too. It may stand inside DuckDB's TRY."""
    raised = f"CAST({quote_text(FAILED + message)} AS BIGINT)"
    return raised if kind == "BIGINT" else f"CAST(CAST({raised} AS VARCHAR) AS {kind})"


def guard(condition: str, why: str, kind: str = "BOOLEAN") -> str:
    """SQL that raises (as SqlRefused) where `condition` is true, and is NULL of type `kind` elsewhere."""
    return f"CAST(CASE WHEN {condition} THEN error({quote_text(REFUSED + why)}) END AS {kind})"


def unify(pattern: Type, actual: Type, bound: dict[str, list[Type]]) -> bool:
    """Collects what the variables of a pattern stand for in an actual type; False where the shapes differ."""
    if pattern.name.startswith("$"):
        bound.setdefault(pattern.name, []).append(actual)
        return True
    if actual.name == "unknown":
        for inner in pattern.args:
            unify(inner, actual, bound)
        return True
    if not pattern.args:
        return True
    if pattern.name != actual.name or len(pattern.args) != len(actual.args):
        return False
    return all(unify(p, a, bound) for p, a in zip(pattern.args, actual.args, strict=True))


def resolve(bound: Mapping[str, Iterable[Type]]) -> dict[str, Type] | None:
    """One type per variable: the common type of all it was bound to; None where there is none."""
    found: dict[str, Type] = {}
    for variable, kinds in bound.items():
        common: Type | None = Type("unknown")
        for kind in kinds:
            common = common_type(common, kind) if common else None
        if common is None:
            return None
        found[variable] = common
    return found


def substitute(pattern: Type, types: Mapping[str, Type]) -> Type:
    """A pattern with its variables replaced by what they stand for."""
    if pattern.name in types:
        return types[pattern.name]
    return replace(pattern, args=tuple(substitute(a, types) for a in pattern.args)) if pattern.args else pattern


def fitted(parameter: Type, actual: Type) -> Type | None:
    """The exact type an argument is coerced to for a parameter such as `decimal` or `varchar`; None if it cannot be."""
    if parameter.name in ("decimal", "timestamp", "timestamp with time zone", "char") and not parameter.params:
        if actual.name == parameter.name:
            return actual
        return _generic(parameter.name, actual)
    if parameter.name == actual.name == "varchar" and not parameter.params:
        return actual
    return parameter if coerces(actual, parameter) else None


def _generic(name: str, actual: Type) -> Type | None:
    if name == "decimal" and actual.is_integer:
        return common_type(actual, Type("decimal", (1, 0)))
    if name == "timestamp" and actual.name in ("date", "unknown"):
        return Type("timestamp", (3,))
    if name == "timestamp with time zone" and actual.name in ("date", "timestamp", "unknown"):
        precision = actual.params or (3,)
        return Type(name, precision, zone="UTC")
    return Type("decimal", (1, 0)) if name == "decimal" and actual.name == "unknown" else None


@dataclass(frozen=True)
class Macro:
    """A DuckDB macro: `Macro("ag_x", "(a, b) AS a + b")`; several typed forms are separated by commas as in DuckDB."""

    name: str
    definition: str


@dataclass(frozen=True)
class Udf:
    """A function over Arrow arrays: `function` takes pyarrow arrays and returns one; types are DuckDB's words.

    It sees NULLs (null_handling="special").
    """

    name: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    returns: str
    volatile: bool = False


RUNTIME: dict[str, Macro | Udf] = {}


def provide(definition: Macro | Udf) -> str:
    """Makes a macro or function known to the engine, which installs it when a query mentions it. Gives its name."""
    if not definition.name.startswith("ag_"):
        raise ValueError(f"{definition.name} does not begin with ag_")
    RUNTIME[definition.name] = definition
    return definition.name


def needed(sql: str) -> list[Macro | Udf]:
    """The runtime definitions that a query needs, those that others rest on first."""
    found: dict[str, Macro | Udf] = {}

    def visit(text: str) -> None:
        for name in re.findall(r"\bag_\w+", text):
            definition = RUNTIME.get(name)
            if definition is None or name in found:
                continue
            if isinstance(definition, Macro):
                visit(definition.definition)
            found[name] = definition

    visit(sql)
    return list(found.values())
