"""Physical limits for `speed.py`: reading all columns of the source and no more, and copying the file.

python speed_limits.py decode SOURCE
python speed_limits.py copy SOURCE OUT
"""

from __future__ import annotations

import sys
from pathlib import Path


def decode(source: str) -> None:
    """Every value of every column, on two threads, and one figure of each so that none is left out."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    table = connection.read_parquet(source)
    figures = [
        f"max({'strlen' if str(kind) == 'VARCHAR' else ''}({name}))"
        for name, kind in zip(table.columns, table.types, strict=True)
    ]
    print(table.aggregate(", ".join(figures)).fetchall())


def copy(source: str, out: str) -> None:
    """The bytes through this process, as a program that must look at them would move them."""
    with Path(source).open("rb") as read, Path(out).open("wb") as write:
        while block := read.read(1 << 20):
            write.write(block)


if __name__ == "__main__":
    {"decode": decode, "copy": copy}[sys.argv[1]](*sys.argv[2:])
