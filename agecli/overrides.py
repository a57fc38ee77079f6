"""Settings of a recipe given for one run: on the command line, or in the environment. They win over recipe.toml.

    --param max_depth=8             AGECLI_PARAM="max_depth=8 eta=0.3", or AGECLI_PARAM_MAX_DEPTH=8
    --set bounds.upper=90           AGECLI_SET="bounds.upper=90 confidence.level=0.9"
    --features a,b,c                AGECLI_FEATURES=a,b,c         learn from these of the recipe's features only
    --categorical a,b               AGECLI_CATEGORICAL=a,b        take these as categories

Here they become dotted keys of recipe.toml with values; `recipe.load` checks them as it checks the file.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agecli.errors import ConfigError
from agecli.recipe import ALIASES, of_toml

FLAGS = ("set", "param", "features", "categorical")  # later ones win where two name the same key
ONE_PARAMETER = "AGECLI_PARAM_"
_EXAMPLES = {"set": "--set bounds.upper=90", "param": "--param max_depth=8"}


@dataclass(frozen=True)
class Override:
    """A value for a dotted key of recipe.toml, and where it was given."""

    value: Any
    origin: str


def collect(flags: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Override]:
    """All overrides by dotted key; a flag wins over the environment, key by key.

    `flags` holds a list of texts for "set" and "param", and a text for "features" and "categorical".
    Raises ConfigError for a text that is no KEY=VALUE.
    """
    found: dict[str, Override] = {}
    for name in FLAGS:
        variable = f"AGECLI_{name.upper()}"
        if variable in environ:
            found.update(_read(name, _words(environ[variable], variable), variable))
    for variable, text in sorted(environ.items()):
        if variable.startswith(ONE_PARAMETER):
            found.update(_read("param", [f"{variable.removeprefix(ONE_PARAMETER).lower()}={text}"], variable))
    for name in FLAGS:
        given = flags.get(name)
        if given not in (None, (), []):  # an empty text is no silence: it says nothing where something is wanted
            found.update(_read(name, [given] if isinstance(given, str) else given, f"--{name}"))
    return found


def _words(text: str, variable: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"cannot read {variable}", f"{text!r}: {error}", "close the quotes") from None


def _read(name: str, texts: Iterable[str], origin: str) -> Iterator[tuple[str, Override]]:
    if name == "features":
        yield "inputs", Override(_names(texts, origin), origin)
    elif name == "categorical":
        for feature in _names(texts, origin):
            yield f"features.{feature}", Override("categorical", origin)
    else:
        for text in texts:
            # numbers hold no comma, so that several parameters may share one text
            for pair in text.split(",") if name == "param" else [text]:
                key, value = _pair(pair, name, origin)
                yield _one_name(f"model.{key}" if name == "param" else key), Override(value, origin)


def _one_name(key: str) -> str:
    """A setting of the model by its own name, so that the last word on it counts under whichever it was given."""
    parent, dot, name = key.rpartition(".")
    return parent + dot + ALIASES.get(name, name) if parent == "model" else key


def _names(texts: Iterable[str], origin: str) -> list[str]:
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"{origin} names no feature", "it is empty", f"{origin} a,b,c")
    return names


def _pair(text: str, name: str, origin: str) -> tuple[str, Any]:
    key, equals, written = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise ConfigError(f"cannot read {text!r} from {origin}", "KEY=VALUE is wanted", _EXAMPLES[name])
    value = of_toml(written.strip())
    if name == "param" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ConfigError(f"cannot read {text!r} from {origin}", "a number is wanted", _EXAMPLES[name])
    return key.strip(), value if name == "param" else _as_typed(value, written.strip())


def _as_typed(value: Any, text: str) -> Any:
    """The value, or the text where it would not come back from the value: 1e3, 0x1F and 2026-01-01 may be classes.

    The recipe, which knows what a setting is, reads such a text as a number where one is wanted.
    """
    plain = isinstance(value, bool | str | list | dict) or (isinstance(value, int | float) and repr(value) == text)
    return value if plain else text
