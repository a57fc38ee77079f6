"""A recipe: the folder of SQL and settings that says what the data means.

`recipe.toml` names the source's columns, the label, the features and their kinds; `staging.sql`, `features.sql`
and, where the shared default does not fit, `results.sql` hold the SQL in Athena's dialect. All knowledge of a
domain lives there and none in Python.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from agecli.errors import ConfigError

Task = Literal["regression", "classification"]
Kind = Literal["numeric", "categorical"]

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*\Z")
PLACEHOLDERS = ("source", "staging", "features", "predictions", "as_of", "default", "reasons")
BASE_COLUMNS = ("id", "known_label", "label_source")
SQL_FILES = ("staging.sql", "features.sql", "results.sql")

ALIASES: Mapping[str, str] = {
    "learning_rate": "eta",
    "n_estimators": "rounds",
    "num_boost_round": "rounds",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
    "min_split_loss": "gamma",
}
"""Other names that people know the settings of [model] by."""

_KEYS: dict[str, tuple[str, ...]] = {
    "": (
        "name", "description", "task", "label", "unit", "default", "segments", "monotone",
        "source", "bounds", "confidence", "features", "inputs", "model", "publication",
    ),
    "source": ("format", "id", "delimiter", "generator", "columns"),
    "bounds": ("lower", "upper", "max_share_outside"),
    "confidence": ("tolerance", "level"),
    "publication": ("rows_lost", "rows_gained", "defaults", "mean", "spread", "confidence", "shares"),
}  # fmt: skip


@dataclass(frozen=True)
class Bounds:
    """Labels outside [lower, upper] count as unknown; more than `max_share_outside` of them stops the run."""

    lower: float | None = None
    upper: float | None = None
    max_share_outside: float = 0.05


@dataclass(frozen=True)
class Publication:
    """How far new results may differ from the last before they are not published. Shares run from 0 to 1.

    `rows_lost`, `rows_gained`: of the rows there were (None: any number more). `defaults`: more of the rows than
    before. `mean`: of the predictions, in their standard deviations. `spread`: how many times the standard deviation
    may be larger or smaller. `confidence`: its mean and its standard deviation. `shares`: of any class.
    """

    rows_lost: float = 0.5
    rows_gained: float | None = None
    defaults: float = 0.25
    mean: float = 0.5
    spread: float = 3.0
    confidence: float = 0.3
    shares: float = 0.3


@dataclass(frozen=True)
class Recipe:
    """A recipe as read and checked. `sql` maps "staging", "features" and "results" to their text.

    `features` are the columns of the feature table; the model learns from those of them that `inputs` names.
    `source_generator` names the generator in agecli.synth that makes rows where no source is given.
    """

    name: str
    description: str
    task: Task
    label: str
    unit: str
    default: float | str | None
    source_format: Literal["parquet", "csv", "jsonl"]
    source_id: str
    source_delimiter: str
    source_generator: str | None
    source_columns: Mapping[str, str]
    bounds: Bounds
    tolerance: float | None
    level: float
    segments: tuple[str, ...]
    monotone: Mapping[str, int]
    features: Mapping[str, Kind]
    inputs: tuple[str, ...]
    model: Mapping[str, int | float | str]
    publication: Publication
    sql: Mapping[str, str]
    folder: Path

    @property
    def model_features(self) -> dict[str, Kind]:
        """The features that the model learns from, in its order, each with its kind."""
        return {name: self.features[name] for name in self.inputs}

    def deciding(self) -> dict[str, Any]:
        """All settings that decide a result, for the fingerprint: neither words for people nor the SQL."""
        return {
            "task": self.task,
            "default": self.default,
            "format": self.source_format,
            "id": self.source_id,
            "delimiter": self.source_delimiter,
            "columns": dict(self.source_columns),
            "bounds": [self.bounds.lower, self.bounds.upper, self.bounds.max_share_outside],
            "tolerance": self.tolerance,
            "level": self.level,
            "segments": list(self.segments),
            "monotone": dict(self.monotone),
            "features": dict(self.features),
            "inputs": list(self.inputs),
            "model": dict(self.model),
        }


def shipped() -> Path:
    """The folder of the recipes that come with agecli: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    return package / "queries" if (package / "queries").is_dir() else package.parent / "queries"


def packaged() -> tuple[str, ...]:
    """Names of the recipes that come with agecli."""
    return tuple(sorted(path.parent.name for path in shipped().glob("*/recipe.toml")))


def locate(name: str, project: Path | None = None) -> Path:
    """The folder of a recipe: the project's own `queries/<name>`, else the one that comes with agecli."""
    if project is not None and (project / "queries" / name / "recipe.toml").is_file():
        return project / "queries" / name
    if IDENTIFIER.match(name) and name in packaged():
        return shipped() / name
    known = list(packaged())
    if project is not None and (project / "queries").is_dir():
        known += [path.parent.name for path in (project / "queries").glob("*/recipe.toml")]
    raise ConfigError(f"no recipe {name!r}", f"known are {', '.join(sorted(set(known)))}", nearest(name, known))


def load(folder: Path, overrides: Mapping[str, Any] | None = None, name: str | None = None) -> Recipe:
    """Reads and checks a recipe. `overrides` maps dotted keys (`bounds.upper`) to values for one run; `name` is what
    it is called where the file does not say and the folder is not called so.

    Raises ConfigError for a missing file, an unknown key (with the nearest known one) or a value out of place.
    """
    path = folder / "recipe.toml"
    if not path.is_file():
        raise ConfigError(f"no recipe in {folder}", "recipe.toml is not there", "agecli init DIR --recipe NAME")
    try:
        tree = tomllib.loads(_read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML", str(error), "correct the file") from None
    for key, value in (overrides or {}).items():
        _set(tree, key, value)
    where = f"{path} with {', '.join(overrides)} set for this run" if overrides else str(path)
    _check_keys(tree, where)
    tree.setdefault("name", name or folder.name)
    return _build(tree, folder, where)


def _set(tree: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for name in parents:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"cannot set {dotted} for this run", f"{name} has no keys", f"{name}=VALUE")
    old = tree.get(last)
    if isinstance(old, dict):
        raise ConfigError(f"cannot set {dotted} for this run", "it is a table", f"set a key of it: {dotted}.KEY=VALUE")
    if parents in (["features"], ["source", "columns"]) and last not in tree:
        raise ConfigError(f"cannot set {dotted} for this run", f"the recipe has no {last}", nearest(last, tree))
    if parents == ["model"]:
        for other in [name for name in tree if name != last and ALIASES.get(name, name) == ALIASES.get(last, last)]:
            del tree[other]  # the same setting by its other name
    # --set default=0 means the class "0" where the recipe's default is text
    is_text = isinstance(old, str) or (dotted == "default" and tree.get("task") == "classification")
    tree[last] = _text(value) if is_text else _number(value)


def _text(value: Any) -> Any:
    """A value for one run as it was typed, where a text is wanted."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _number(value: Any) -> Any:
    """A value for one run where no text is wanted: 1e3 was typed as it stands, and is a number here."""
    found = of_toml(value) if isinstance(value, str) else value
    return found if isinstance(found, int | float) and not isinstance(found, bool) else value


def of_toml(text: str) -> Any:
    """What TOML makes of a value; a word without quotes is text."""
    if "\n" in text:  # it could hold more keys
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _check_keys(tree: Mapping[str, Any], path: str) -> None:
    for key, value in tree.items():
        if key not in _KEYS[""]:
            raise ConfigError(f"unknown key {key!r} in {path}", "no such key", nearest(key, _KEYS[""]))
        for inner in value if isinstance(value, dict) and key in _KEYS else ():
            if inner not in _KEYS[key]:
                raise ConfigError(
                    f"unknown key {key}.{inner!s} in {path}",
                    "no such key",
                    nearest(inner, _KEYS[key], f"{key}."),
                )


def nearest(word: str, known: Iterable[str], prefix: str = "") -> str:
    """The hint `did you mean ...?`, or the list of what is known."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {prefix}{close[0]}?" if close else "known: " + ", ".join(prefix + name for name in names)


class _Reader:
    """Takes typed values out of a parsed TOML tree and says where one is out of place."""

    def __init__(self, tree: Mapping[str, Any], path: str) -> None:
        self.tree, self.path = tree, path

    def get(self, dotted: str, kinds: type | tuple[type, ...], default: Any = ...) -> Any:
        value: Any = self.tree
        for name in dotted.split("."):
            value = value.get(name, ...) if isinstance(value, Mapping) else ...
        if value is ...:
            if default is ...:
                raise ConfigError(f"{self.path} has no {dotted}", "it is required", f"add {dotted} to recipe.toml")
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            names = " or ".join(k.__name__ for k in (kinds if isinstance(kinds, tuple) else (kinds,)))
            raise ConfigError(f"{dotted} in {self.path} is {value!r}", f"{names} is wanted", "correct the value")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{dotted} in {self.path} is {value!r}", "a finite number is wanted", "correct the value")
        return value

    def choice(self, dotted: str, allowed: tuple[str, ...], default: Any = ...) -> Any:
        value = self.get(dotted, str, default)
        if value not in allowed:
            raise ConfigError(
                f"{dotted} in {self.path} is {value!r}", "it is none of " + ", ".join(allowed), "correct it"
            )
        return value


def _build(tree: Mapping[str, Any], folder: Path, path: str) -> Recipe:
    read = _Reader(tree, path)
    features = _features(read)
    task: Task = read.choice("task", ("regression", "classification"))
    columns = _columns(read)
    level, tolerance = _confidence(read, task)
    return Recipe(
        name=_name(read),
        description=read.get("description", str, ""),
        task=task,
        label=read.get("label", str),
        unit=read.get("unit", str, ""),
        default=read.get("default", (int, float) if task == "regression" else str, None),
        source_format=read.choice("source.format", ("parquet", "csv", "jsonl")),
        source_id=_source_id(read, columns),
        source_delimiter=read.get("source.delimiter", str, ","),
        source_generator=read.get("source.generator", str, None),
        source_columns=columns,
        bounds=_bounds(read),
        tolerance=tolerance,
        level=level,
        segments=_segments(read),
        monotone=_monotone(read),
        features=features,
        inputs=_inputs(read, features),
        model=_model(read),
        publication=_publication(read),
        sql=_read_sql(folder),
        folder=folder,
    )


def _name(read: _Reader) -> str:
    name: str = read.get("name", str)
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z", name):
        raise ConfigError(
            f"name {name!r} in {read.path}", "it names folders: letters, digits, - and _ only", "correct it"
        )
    return name


def _features(read: _Reader) -> dict[str, Kind]:
    features: dict[str, Kind] = dict(read.get("features", dict))
    if not features:
        raise ConfigError(f"{read.path} lists no features", "a model needs one at least", "list them under [features]")
    for name, kind in features.items():
        if not IDENTIFIER.match(name) or name in BASE_COLUMNS:
            raise ConfigError(
                f"feature {name!r} in {read.path}",
                "a name is [a-z_][a-z0-9_]* and not id, known_label or label_source",
                "rename it",
            )
        if kind not in ("numeric", "categorical"):
            raise ConfigError(
                f"feature {name} in {read.path} is {kind!r}", "it is neither numeric nor categorical", "correct it"
            )
    return features


def _inputs(read: _Reader, features: Mapping[str, Kind]) -> tuple[str, ...]:
    names = read.get("inputs", list, list(features))
    for name in names:
        if not isinstance(name, str) or name not in features:
            raise ConfigError(
                f"inputs in {read.path} name {name!r}", "it is not among [features]", nearest(str(name), features)
            )
    if not names or len(set(names)) != len(names):
        raise ConfigError(f"inputs in {read.path} are {names}", "one at least, and each once", "correct them")
    return tuple(names)


def _model(read: _Reader) -> dict[str, int | float | str]:
    values: dict[str, int | float | str] = dict(read.get("model", dict, {}))
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ConfigError(f"model.{name} in {read.path} is {value!r}", "a number is wanted", "correct the value")
    return values


def _segments(read: _Reader) -> tuple[str, ...]:
    names = read.get("segments", list, [])
    features = read.get("features", dict)
    for name in names:
        if not isinstance(name, str) or name not in features:
            raise ConfigError(f"segment {name!r} in {read.path}", "it is no feature", nearest(str(name), features))
    return tuple(dict.fromkeys(names))


def _monotone(read: _Reader) -> dict[str, int]:
    found = read.get("monotone", dict, {})
    numeric = [name for name, kind in read.get("features", dict).items() if kind == "numeric"]
    for name, direction in found.items():
        if name not in numeric:
            raise ConfigError(f"monotone.{name} in {read.path}", "it is no numeric feature", nearest(name, numeric))
        if not isinstance(direction, int) or isinstance(direction, bool) or direction not in (1, -1):
            why = "1 (never falling) or -1 (never rising) is wanted"
            raise ConfigError(f"monotone.{name} in {read.path} is {direction!r}", why, "correct the value")
    return dict(found)


def _columns(read: _Reader) -> dict[str, str]:
    """The source's columns and types. CSV and JSON Lines hold texts, on every engine; another type would be a wish."""
    columns = {str(name): kind for name, kind in read.get("source.columns", dict).items()}
    for name, kind in columns.items():
        key = f"source.columns.{name}"
        if not isinstance(kind, str):
            raise ConfigError(f"{key} in {read.path} is {kind!r}", "the name of a type is wanted", '"varchar"')
        if read.get("source.format", str) != "parquet" and kind.lower() not in ("varchar", "string"):
            why = f"every column of {read.get('source.format', str)} is text"
            raise ConfigError(f"{key} in {read.path} is {kind!r}", why, 'write "varchar", and CAST it in staging.sql')
    return columns


def _source_id(read: _Reader, columns: Mapping[str, Any]) -> str:
    name: str = read.get("source.id", str)
    if name not in columns:
        raise ConfigError(
            f"source.id {name!r} in {read.path}",
            "it is not among [source.columns]",
            nearest(name, columns),
        )
    return name


def _confidence(read: _Reader, task: Task) -> tuple[float, float | None]:
    level = float(read.get("confidence.level", (int, float), 0.8))
    tolerance = read.get("confidence.tolerance", (int, float), None)
    if not 0 < level < 1:
        raise ConfigError(
            f"confidence.level in {read.path} is {level}", "a share between 0 and 1 is wanted", "0.8 is usual"
        )
    if task == "regression" and (tolerance is None or not tolerance > 0):
        raise ConfigError(
            f"confidence.tolerance in {read.path} is {tolerance}",
            "regression needs one above 0",
            "confidence is the probability that the truth lies within so many units",
        )
    return level, None if tolerance is None else float(tolerance)


def _bounds(read: _Reader) -> Bounds:
    lower, upper = (read.get(f"bounds.{side}", (int, float), None) for side in ("lower", "upper"))
    if lower is not None and upper is not None and lower >= upper:
        raise ConfigError(
            f"[bounds] in {read.path} are {lower} to {upper}", "lower must be below upper", "correct them"
        )
    return Bounds(lower, upper, float(read.get("bounds.max_share_outside", (int, float), 0.05)))


def _publication(read: _Reader) -> Publication:
    given = {key: read.get(f"publication.{key}", (int, float), None) for key in _KEYS["publication"]}
    for key, value in given.items():
        least = 1 if key == "spread" else 0
        if value is not None and value < least:
            raise ConfigError(
                f"publication.{key} in {read.path} is {value}", f"a number from {least} is wanted", "correct it"
            )
    return Publication(**{key: float(value) for key, value in given.items() if value is not None})


def _read_sql(folder: Path) -> dict[str, str]:
    sql = {}
    for stage in ("staging", "features", "results"):
        path = folder / f"{stage}.sql"
        if path.is_file():
            text = _read_text(path)
        elif stage == "results":
            text = (shipped() / "results.sql").read_text(encoding="utf-8")
        else:
            raise ConfigError(
                f"no {stage}.sql in {folder}", "a recipe needs it", "agecli init DIR --recipe NAME shows one"
            )
        _check_placeholders(text, path)
        sql[stage] = text
    return sql


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is {error.object[error.start]:#04x}"
        raise ConfigError(f"{path} is not UTF-8", why, "save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}", error.strerror or str(error), "make it readable") from None


def _check_placeholders(text: str, path: Path) -> None:
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            raise ConfigError(f"${{{name}}} in {path}", "no such placeholder", nearest(name, PLACEHOLDERS))


def render(sql: str, values: Mapping[str, str]) -> str:
    """Substitutes `${name}` for each placeholder and nothing else; a placeholder without a value is an error."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise ConfigError(f"${{{name}}} in this SQL", "it has no meaning in this stage", nearest(name, values))
        return values[name]

    return _PLACEHOLDER.sub(value, sql)


_PERIOD = re.compile(r"(\d{4})(?:Q([1-4])|-(0[1-9]|1[0-2]))?\Z")


def as_of(period: str) -> date:
    """The last day of a period: `2026Q3`, `2026-09` or `2026`. Raises ConfigError for anything else."""
    match = _PERIOD.match(period)
    if not match or int(match[1]) < 1:
        raise ConfigError(f"period {period!r}", "it is none of 2026Q3, 2026-09, 2026", "--period 2026Q3")
    month = int(match[2]) * 3 if match[2] else int(match[3]) if match[3] else 12
    year = int(match[1])
    following = date(year + month // 12, month % 12 + 1, 1) if year < 9999 or month < 12 else None
    return following - timedelta(days=1) if following else date(9999, 12, 31)


def last_complete_quarter(today: date) -> str:
    """The quarter that ended last before `today`."""
    quarter = (today.month - 1) // 3
    return f"{today.year}Q{quarter}" if quarter else f"{today.year - 1}Q4"
