"""Asks a running Trino again what the queries of the corpus read, and writes `scan_corpus.json`.

    python tests/conformance/scan_referee.py http://127.0.0.1:8080 FOLDER [DATA] [--new]

FOLDER is the one behind Trino's Hive catalog (`local:///`); the files are made below FOLDER/tables where they are not
there. DATA holds the real files (legislators, titanic), without which their queries are left out. --new asks only what
the corpus has no figure for (of the same files). Trino's figure is
`physicalInputBytes`: what its reader fetched. It is a referee for the reading, not what Athena would bill.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

import scan_files
import scan_queries

from agecli.cost.objects import table_at
from agecli.cost.scan import Opened, open_table
from agecli.engines.files import partitions

HERE = Path(__file__).parent
CORPUS = HERE / "scan_corpus.json"


def ask(url: str, sql: str) -> dict[str, Any]:
    """Runs one statement and gives its statistics at the end. Raises RuntimeError where Trino refuses it."""
    headers = {"X-Trino-User": "agecli", "X-Trino-Catalog": "hive", "X-Trino-Schema": "default"}
    page = _get(urllib.request.Request(f"{url}/v1/statement", data=sql.encode(), headers=headers))
    while "nextUri" in page:
        page = _get(urllib.request.Request(page["nextUri"], headers=headers))
    if "error" in page:
        raise RuntimeError(f"{sql}: {page['error']['message']}")
    stats: dict[str, Any] = page["stats"]
    return stats


def _get(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=600) as response:
        page: dict[str, Any] = json.load(response)
    return page


def declare(url: str, name: str, opened: Opened) -> None:
    """Tells Trino of a table over files."""
    table = opened.table
    assert not hasattr(table, "rows")
    columns = [f'"{n.lower()}" {_type(str(t))}' for n, t in opened.columns]
    options = [f"external_location = 'local:///tables/{name}'"]
    options.append({"csv": "format = 'CSV', skip_header_line_count = 1", "jsonl": "format = 'JSON'"}.get(
        table.format, "format = 'PARQUET'"))  # fmt: skip
    ask(url, f"DROP TABLE IF EXISTS {name}")
    ask(url, f"CREATE TABLE {name} ({', '.join(columns)}) WITH ({', '.join(options)})")


def declare_partitioned(url: str, root: Path, name: str, opened: Opened) -> None:
    """A table that Trino keeps itself, whose partitions' files are then exchanged for those of the recipe.

    Trino takes no partitions of a table from elsewhere here, since its metadata lie in the same folder.
    """
    table = opened.table
    assert not hasattr(table, "rows")
    (part,) = partitions(table.files[0], table.root)
    columns = ", ".join(f'"{n}" {_type(str(t))}' for n, t in opened.columns)
    ask(url, f"DROP TABLE IF EXISTS {name}")
    ask(url, f"CREATE TABLE {name} ({columns}) WITH (format = 'PARQUET', partitioned_by = ARRAY['{part}'])")
    for value in dict.fromkeys(partitions(file, table.root)[part] for file in table.files):
        ask(url, f"INSERT INTO {name} ({part}) VALUES ({'NULL' if value.startswith('__') else repr(value)})")
        folder = root / "default" / name / f"{part}={value}"
        for old in folder.iterdir():
            if not old.name.startswith("."):
                old.unlink()
        for file in table.files:
            if partitions(file, table.root)[part] == value:
                shutil.copy(file, folder)


def _type(kind: str) -> str:
    return "timestamp(3)" if kind.startswith("timestamp") else kind


def place(url: str, root: Path, data: Path | None) -> dict[str, Path]:
    """The folders of all tables, made where they are not there."""
    tables = root / "tables"
    found = {}
    for name in scan_files.RECIPES:
        found[name] = tables / name
        if not found[name].is_dir():
            scan_files.build(name, found[name])
    for name, file in (("legislators", "legislators/legislators.parquet"), ("titanic", "titanic/train.csv")):
        if data is not None and (data / file).is_file():
            found[name] = tables / name
            found[name].mkdir(exist_ok=True)
            shutil.copy(data / file, found[name])
    return found


def write_by_trino(url: str, root: Path) -> Path:
    """A table whose files Trino writes."""
    folder = root / "tables" / "trinoed"
    if not folder.is_dir():
        ask(url, "DROP TABLE IF EXISTS trinoed")
        location = "external_location = 'local:///tables/trinoed', format = 'PARQUET'"
        ask(url, f"CREATE TABLE trinoed WITH ({location}) AS SELECT * FROM wide")
        for file in folder.iterdir():
            if not file.name.startswith((".", "_")):
                file.rename(file.with_suffix(".parquet"))
    return folder


def described(opened: Opened, folder: Path) -> dict[str, Any]:
    """A table as the corpus keeps it: sizes and footers, paths below its folder."""
    table = opened.table
    assert not hasattr(table, "rows")
    return {
        "format": table.format,
        "columns": [[name, str(kind)] for name, kind in opened.columns],
        "as_parquet": dict(opened.as_parquet),
        "files": [
            [str(Path(o.path).relative_to(folder)), o.size, footer.to_json() if footer is not None else None]
            for o in opened.objects
            for footer in [opened.footers.get(o.path)]
        ],
    }


def main(url: str, root: Path, data: Path | None, known: dict[str, int]) -> None:
    ask(url, "CREATE SCHEMA IF NOT EXISTS default")
    folders = place(url, root, data)
    opened = {name: open_table(table_at(str(folder))) for name, folder in folders.items()}
    for name, table in opened.items():
        if partitions(table.objects[0].path, str(folders[name])):
            declare_partitioned(url, root, name, table)
        else:
            declare(url, name, table)
    folders["trinoed"] = write_by_trino(url, root)
    opened["trinoed"] = open_table(table_at(str(folders["trinoed"])))
    declare(url, "trinoed", opened["trinoed"])
    answers = []
    for sql in scan_queries.QUERIES:
        if sql in known:
            answers.append([sql, known[sql]])
            continue
        try:
            answers.append([sql, ask(url, sql)["physicalInputBytes"]])
        except RuntimeError as error:
            print(error)
    tables = {name: described(table, folders[name]) for name, table in opened.items()}
    corpus = {"trino": "476", "tables": tables, "queries": answers}
    CORPUS.write_text(json.dumps(corpus, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(answers)} queries, {CORPUS.stat().st_size:,} bytes in {CORPUS.name}")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--new"]
    before = json.loads(CORPUS.read_text(encoding="utf-8"))["queries"] if "--new" in sys.argv else []
    main(words[0].rstrip("/"), Path(words[1]), Path(words[2]) if len(words) > 2 else None, dict(before))
