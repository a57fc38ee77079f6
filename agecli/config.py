"""Settings, each with one definition: flags > `AGECLI_*` environment > `agecli.toml` > default.

A setting that decides a result is marked so and becomes part of fingerprints; the others (memory, workers, where
things lie) never do.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agecli import recipe as recipes
from agecli.errors import ConfigError
from agecli.overrides import FLAGS, ONE_PARAMETER, Override, collect

FILE = "agecli.toml"
CGROUP = Path("/sys/fs/cgroup")
_SIZES = {"": 1 << 20, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass(frozen=True)
class Setting:
    """`kind` is "text", "count" (a whole number), "size" (bytes, written 2GiB), "usd" (dollars), "path" or "choice".

    A count lies between `minimum` and `maximum`, or is 0 where that is the default and says "none" or "by itself".
    """

    name: str
    kind: str
    default: Any
    help: str
    decides: bool = False
    minimum: int = 0
    maximum: int = 2**32 - 1
    choices: tuple[str, ...] = ()


SETTINGS = (
    Setting("recipe", "text", "profiles", "the recipe: a folder under queries/, or one that comes with agecli"),
    Setting("source", "path", None, "the rows: a file, a folder, a glob, or Hive-style partitions"),
    Setting("workspace", "path", "workspace", "the folder that holds everything a run makes"),
    Setting("period", "text", None, "the data period, 2026Q3; ages refer to its last day", decides=True),
    Setting("workers", "count", 0, "worker processes that make features or predict at once; 0 = the cores"),
    Setting("memory", "size", 0, "bound on all processes' memory, 512MiB at least; 0 = 4 GiB, or 70 % of what is there",
            minimum=512 << 20),
    Setting("materialise", "choice", "ephemeral", "staging: ephemeral (computed within features) or table (on disk)",
            choices=("ephemeral", "table")),
    Setting("batch_rows", "count", 0, "rows of a batch; 0 = a thousandth of the rows, at least 51200", decides=True),
    Setting("max_train_rows", "count", 2_000_000, "labelled rows to train on at most", decides=True, minimum=20),
    Setting("few_labels", "count", 20_000, "fewer labels than this: out-of-fold predictions", decides=True),
    Setting("seed", "count", 42, "seed of everything that is drawn in training", decides=True),
    Setting("reasons", "count", 0, "columns with the strongest reasons of each prediction", decides=True),
    Setting("folds", "count", 0, "folds of a cross-validation that training adds; 0 = none", decides=True,
            minimum=2, maximum=20),
    Setting("repeats", "count", 1, "how often that cross-validation is done, each time anew", decides=True,
            minimum=1, maximum=50),
    Setting("synth_rows", "count", 100_000, "profiles to generate when the profiles recipe has no source", minimum=1),
    Setting("synth_seed", "count", 42, "seed of the generated profiles"),
    Setting("model", "text", None, "predict with a registered model: production, staging or v3", decides=True),
    Setting("region", "text", "us-east-1", "the AWS region whose prices are taken"),
    Setting("prices", "path", None, "a price table instead of the one that comes with agecli"),
    Setting("cadence", "text", None, "how often a run is due: daily to yearly; without it, as the period's form says"),
    Setting("max_usd", "usd", None, "do not start a run that may cost more dollars than this"),
    Setting("log_format", "text", "text", "lines of progress where there is no terminal: text or json"),
)  # fmt: skip
_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """Resolved settings. `origin` says where each came from; paths are absolute.

    `overrides` are settings of the recipe for this run alone, by their dotted keys.
    """

    project: Path
    values: Mapping[str, Any]
    origin: Mapping[str, str]
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def deciding(self) -> dict[str, Any]:
        """The settings that decide results, for the fingerprint."""
        return {setting.name: self.values[setting.name] for setting in SETTINGS if setting.decides}

    def recipe_values(self) -> dict[str, Any]:
        """The overrides as `recipe.load` takes them."""
        return {key: override.value for key, override in self.overrides.items()}

    def to_json(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, Path) else value for name, value in self.values.items()}


def resolve(
    project: Path, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Settings for the project in this folder. `flags` holds what the command line gave (None = not given).

    Raises ConfigError for an unknown setting in agecli.toml, with the nearest known name, and for values of the
    wrong kind.
    """
    environ = os.environ if environ is None else environ
    _check_names(environ)
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    written = _read_file(project)
    for setting in SETTINGS:
        flag = (flags or {}).get(setting.name)
        env = f"AGECLI_{setting.name.upper()}"
        if flag is not None:
            raw, where = flag, f"--{setting.name.replace('_', '-')}"
        elif env in environ:
            raw, where = environ[env], env
        elif setting.name in written:
            raw, where = written[setting.name], FILE
        else:
            raw, where = setting.default, "default"
        # a path on the command line is meant from where the user stands, one in the file from the project
        base = Path.cwd() if flag is not None or env in environ else project
        values[setting.name] = None if raw is None else _convert(setting, raw, where, base)
        origin[setting.name] = where
    return Settings(project.absolute(), values, origin, collect(flags or {}, environ))


def _check_names(environ: Mapping[str, str]) -> None:
    """Raises ConfigError for a variable that is nearly one of a setting; others may be somebody else's."""
    known = [f"AGECLI_{name.upper()}" for name in (*_BY_NAME, *FLAGS)]
    for variable in environ:
        if variable.startswith("AGECLI_") and variable not in known and not variable.startswith(ONE_PARAMETER):
            close = difflib.get_close_matches(variable, known, n=1, cutoff=0.9)
            if close:
                raise ConfigError(f"unknown setting {variable} in the environment", "no such setting",
                                  f"did you mean {close[0]}?")  # fmt: skip


def _read_file(project: Path) -> dict[str, Any]:
    path = project / FILE
    if not path.is_file():
        return {}
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML", str(error), "correct the file") from None
    for name in tree:
        if name not in _BY_NAME:
            raise ConfigError(f"unknown setting {name!r} in {path}", "no such setting", recipes.nearest(name, _BY_NAME))
    return tree


def _convert(setting: Setting, raw: Any, where: str, base: Path) -> Any:
    def wrong(wanted: str) -> ConfigError:
        return ConfigError(f"{setting.name} from {where} is {raw!r}", f"{wanted} is wanted", setting.help)

    if setting.kind == "path":
        if not isinstance(raw, str | Path) or not str(raw):
            raise wrong("a path")
        if setting.name == "source" and str(raw).startswith("s3://"):
            return str(raw)  # its cost can be told before the data are here
        return Path(os.path.abspath(base / Path(raw).expanduser()))  # noqa: PTH100 (resolve() would follow links)
    if setting.kind == "choice":
        if raw not in setting.choices:
            raise wrong(f"one of {', '.join(setting.choices)}")
        return raw
    if setting.kind == "text":
        if not isinstance(raw, str) or not raw:
            raise wrong("text")
        return raw
    if setting.kind == "size":
        size = _size(raw, wrong)
        if 0 < size < setting.minimum:
            raise wrong(f"{setting.minimum >> 20}MiB or more")
        return size
    if setting.kind == "usd":
        return _dollars(raw, wrong)
    number = int(raw) if isinstance(raw, str) and re.fullmatch(r"\d+", raw) else raw
    fits = isinstance(number, int) and (setting.minimum <= number <= setting.maximum or number == setting.default == 0)
    if not fits or isinstance(number, bool):
        raise wrong(f"a whole number from {setting.minimum} to {setting.maximum}")
    return number


def _size(raw: Any, wrong: Any) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", str(raw).strip().lower())
    if not match or isinstance(raw, bool):
        raise wrong("a size such as 2GiB or 800MB")
    number = float(match[1])
    return int(number * _SIZES[match[2]]) if match[2] or not match[3] else int(number)


def _dollars(raw: Any, wrong: Any) -> float:
    match = re.fullmatch(r"\$?(\d+(?:\.\d+)?)", str(raw).strip())
    if not match or isinstance(raw, bool):
        raise wrong("an amount of dollars such as 2.50")
    return float(match[1])


def memory_limit() -> int:
    """Bytes that this process may use: the cgroup's limit where one is set, else the machine's memory."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 << 30
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            text = (CGROUP / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            return min(physical, int(text))
    return physical


def memory_bytes(settings: Settings) -> int:
    """The bound on the memory of all processes of a run, in bytes."""
    return int(settings["memory"]) or min(4 << 30, int(memory_limit() * 0.7))


def worker_count(settings: Settings) -> int:
    """Worker processes: the setting, else the cores this process may use."""
    return int(settings["workers"]) or cores()


def cores() -> int:
    """The cores this process may use: those it may run on, or fewer where the cgroup grants less time."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join((CGROUP / name).read_text() for name in files).split()
        except OSError:
            continue
        if len(words) == 2 and words[0].isdigit() and int(words[1]):
            return max(1, min(there, -(-int(words[0]) // int(words[1]))))
    return there
