"""Finds which listed function a call means, as Trino does by argument types, and translates it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agecli.engines.dialect import ast
from agecli.engines.dialect.casts import apply, coerce
from agecli.engines.dialect.registry import Call, Overload, Typed, fitted, resolve, substitute, unify
from agecli.engines.dialect.types import NUMBERS, Type, coerces, common_type
from agecli.errors import SqlInvalid, SqlRefused

Argument = Typed | ast.Lambda
BindLambda = Callable[[ast.Lambda, Sequence[Type]], Typed]


@dataclass(frozen=True)
class Match:
    overload: Overload
    types: dict[str, Type]
    cost: int


def translate_call(
    name: str, overloads: Sequence[Overload], args: Sequence[Argument], bind_lambda: BindLambda
) -> tuple[Overload, Call]:
    """The overload that fits best, and the call with its arguments coerced. Raises SqlRefused where none fits."""
    matches = [m for o in overloads if (m := _match(o, args)) is not None]
    if not matches:
        raise not_allowed(name, overloads, args)
    best = min(matches, key=lambda m: m.cost)
    types = dict(best.types)
    done = _coerced(best, args, types, bind_lambda)
    if types != best.types:
        done = _coerced(best, args, types, bind_lambda)
    result = best.overload.result
    kinds = [a.type for a in done]
    kind = result(kinds, types) if callable(result) else substitute(result, types)
    return best.overload, Call(name, tuple(done), kind, types)


def _coerced(best: Match, args: Sequence[Argument], types: dict[str, Type], bind_lambda: BindLambda) -> list[Typed]:
    """Every argument as the type that its parameter has; a lambda's result may widen a variable."""
    done: list[Typed] = []
    for index, arg in enumerate(args):
        parameter = best.overload.parameter(index)
        if isinstance(arg, ast.Lambda):
            done.append(_lambda(parameter, arg, types, bind_lambda))
            continue
        target = fitted(substitute(parameter, types), arg.type)
        assert target is not None
        done.append(coerce(arg, target))
    return done


def translated(name: str, overloads: Sequence[Overload], args: Sequence[Argument], bind_lambda: BindLambda) -> Typed:
    overload, call = translate_call(name, overloads, args, bind_lambda)
    return apply(overload, call)


def not_allowed(name: str, overloads: Sequence[Overload], args: Sequence[Argument]) -> SqlRefused:
    shown = ", ".join("lambda" if isinstance(a, ast.Lambda) else str(a.type) for a in args)
    if not overloads:
        return SqlRefused(
            f"{name}({shown}) is refused",
            f"{name} is not among the functions known to mean the same on every engine",
            "use another function, or compute the column elsewhere",
        )
    allowed = "; ".join(str(o) for o in overloads[:6])
    return SqlRefused(
        f"{name}({shown}) is refused", f"{name} is allowed as {allowed}", "cast the arguments to one of these forms"
    )


def _match(overload: Overload, args: Sequence[Argument]) -> Match | None:
    if not overload.takes(len(args)):
        return None
    bound: dict[str, list[Type]] = {}
    for index, arg in enumerate(args):
        parameter = overload.parameter(index)
        if isinstance(arg, ast.Lambda) != (parameter.name == "function"):
            return None
        if isinstance(arg, ast.Lambda):
            if len(arg.parameters) != len(parameter.args) - 1:
                return None
        elif not unify(parameter, arg.type, bound):
            return None
    types = resolve(bound)
    if types is None:
        return None
    cost = 0
    for index, arg in enumerate(args):
        if isinstance(arg, ast.Lambda):
            continue
        target = fitted(substitute(overload.parameter(index), types), arg.type)
        if target is None:
            return None
        cost += distance(arg.type, target)
    return Match(overload, types, cost)


def distance(source: Type, target: Type) -> int:
    """How far a coercion goes; the nearest overload wins."""
    if source == target:
        return 0
    if source.is_number and target.is_number:
        return 1 + abs(NUMBERS.index(source.name) - NUMBERS.index(target.name))
    return 1


def _lambda(parameter: Type, arg: ast.Lambda, types: dict[str, Type], bind_lambda: BindLambda) -> Typed:
    """Binds a lambda's body; its result fixes or must fit the pattern's last type."""
    kinds = [substitute(p, types) for p in parameter.args[:-1]]
    made = bind_lambda(arg, kinds)
    assert made.body is not None
    wanted = parameter.args[-1]
    bound: dict[str, list[Type]] = {}
    unify(wanted, made.body.type, bound)
    for variable, found in bound.items():
        if variable not in types or types[variable].name == "unknown":
            types[variable] = found[0]
        elif not coerces(found[0], types[variable]):
            common = common_type(found[0], types[variable])
            if common is None:
                raise SqlInvalid("the SQL has a type mismatch", f"a lambda gives {found[0]}, not {types[variable]}")
            types[variable] = common
            return _lambda(parameter, arg, types, bind_lambda)
    body = coerce(made.body, substitute(wanted, types))
    return replace(made, sql=_lambda_sql(made.parameters, body.sql), body=body)


def _lambda_sql(parameters: Sequence[str], body: str) -> str:
    return f"lambda {', '.join(parameters)}: {body}"
