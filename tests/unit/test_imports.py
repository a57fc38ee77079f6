"""The rules of the house that a reader relies on: who may import whom, what stays light, what is never used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "agecli"
VOCABULARY = {"", "errors", "events", "config", "lean", "overrides", "recipe", "workspace"}
PARTS = {"engines", "models", "synth", "scaffold"}
# each room, and the rooms it may import from besides itself
ALLOWED = {
    "cli": {"executors", "pipeline", "reporting", "cost", *PARTS, *VOCABULARY},
    "reporting": {"pipeline", "engines", "models", *VOCABULARY},
    "executors": {"pipeline", "cost", *PARTS, *VOCABULARY, "aws"},
    "cost": {"pipeline", *PARTS, *VOCABULARY},
    "pipeline": {*PARTS, *VOCABULARY},
    "scaffold": {"engines", *VOCABULARY},
    **dict.fromkeys(PARTS - {"scaffold"}, VOCABULARY),
    **dict.fromkeys(VOCABULARY, VOCABULARY),
    "aws": {*VOCABULARY},
    "__main__": {"cli"},
}
HEAVY = ("numpy", "pandas", "pyarrow", "duckdb", "boto3", "sklearn", "xgboost", "sqlglot")
VAGUE_NAMES = {"utils", "helpers", "common", "manager", "misc", "util", "helper"}
MOST_LINES = 500
MOST_LINES_OF_A_FUNCTION = 60


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


every_source = pytest.mark.parametrize("path", sources(), ids=name_of)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level
            elif node.module == "agecli":
                yield from (f"agecli.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


@every_source
def test_imports_go_one_way(path):
    room = room_of(path)
    allowed = ALLOWED[room] | {room}
    for module in imported(tree_of(path)):
        assert not module.startswith("."), "imports are absolute"
        if module.split(".")[0] != "agecli":
            continue
        other = module.split(".")[1] if "." in module else ""
        if other.startswith("__"):  # agecli.__version__ and its like
            continue
        assert other in allowed, f"agecli.{room} must not import {module}"


@every_source
def test_only_the_aws_room_imports_boto3(path):
    if room_of(path) != "aws":
        assert not {m for m in imported(tree_of(path)) if m.split(".")[0] in ("boto3", "botocore")}


@every_source
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(tree_of(path))


@every_source
def test_names_say_something(path):
    assert not VAGUE_NAMES & set(path.relative_to(PACKAGE).with_suffix("").parts)


@every_source
def test_files_and_functions_can_be_read_at_once(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MOST_LINES_OF_A_FUNCTION, f"{node.name} is too long"


@every_source
def test_nothing_is_unpickled_evaluated_or_given_to_a_shell(path):
    tree = tree_of(path)
    assert not {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"} & {
        module.split(".")[0] for module in imported(tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            assert called not in ("eval", "exec", "compile"), f"{called} at line {node.lineno}"
            attribute = ast.unparse(node.func)
            assert attribute not in ("os.system", "os.popen"), f"{attribute} at line {node.lineno}"
            assert not any(k.arg == "shell" for k in node.keywords), f"shell= at line {node.lineno}"


# modules whose distribution has another name; xgboost-cpu brings xgboost
DISTRIBUTIONS = {"sklearn": "scikit-learn", "xgboost": "xgboost-cpu"}


def declared(key: str) -> set[str]:
    """The distributions that setup.cfg lists under a key."""
    text = (PACKAGE.parent / "setup.cfg").read_text(encoding="utf-8")
    block = re.search(rf"^{key} =\n((?:    .*\n)+)", text, re.MULTILINE)
    assert block is not None
    return set(re.findall(r"^    ([a-z][a-z0-9-]*)", block[1], re.MULTILINE))


def undeclared(paths: list[Path], known: set[str]) -> set[str]:
    local = {"", "agecli", "tests", *(path.stem for path in paths)}
    used = {module.split(".")[0] for path in paths for module in imported(tree_of(path))}
    return {name for name in used - local - sys.stdlib_module_names if DISTRIBUTIONS.get(name, name) not in known}


def test_every_library_that_is_imported_is_declared():
    assert not undeclared(sources(), declared("install_requires"))
    tests, known = sorted((PACKAGE.parent / "tests").rglob("*.py")), declared("install_requires") | declared("test")
    benchmarks = [path for path in tests if "benchmarks" in path.parts]
    assert not undeclared([path for path in tests if path not in benchmarks], known)
    assert not undeclared(benchmarks, known | declared("benchmark"))


def test_nothing_needs_pandas_behind_arrows_back():
    """Arrow's to_pandas imports pandas, which only the benchmarks have."""
    tests = [path for path in (PACKAGE.parent / "tests").rglob("*.py") if "benchmarks" not in path.parts]
    for path in [*sources(), *tests]:
        tree = tree_of(path)
        assert "to_pandas" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}, path


def loaded_by(code: str) -> set[str]:
    """The top-level modules that this code leaves loaded in a fresh interpreter."""
    report = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("typed", [["--help"], ["--version"], ["-C", ".", "--help"]], ids=" ".join)
def test_help_loads_click_and_nothing_heavier(typed):
    loaded = loaded_by(f"from agecli.cli import main; main({typed!r})")
    assert "click" in loaded
    assert not loaded & {*HEAVY, "rich", "tabulate", "importlib_metadata", "tomllib"}


@pytest.mark.parametrize("name", ["run", "status", "predict", "logs", "doctor", "init", "sql", "synth"])
def test_a_commands_own_help_loads_nothing_heavy_either(name):
    loaded = loaded_by(f"from agecli.cli import main; main([{name!r}, '--help'])")
    assert not loaded & {*HEAVY, "rich"}


def test_the_process_that_drives_the_workers_loads_nothing_heavy_either():
    assert not loaded_by("import agecli.executors.local") & {*HEAVY, "rich"}


@pytest.mark.parametrize("name", sorted(VOCABULARY - {""}))
def test_the_vocabulary_is_light(name):
    assert not loaded_by(f"import agecli.{name}") & {*HEAVY, "click", "rich"}
