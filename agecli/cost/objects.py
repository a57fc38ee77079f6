"""Data files and their sizes, on disk and on S3, without opening them.

S3 is reached as the AWS tools are: AWS_ACCESS_KEY_ID and its kin, AWS_PROFILE, AWS_REGION, and AWS_ENDPOINT_URL (or
AWS_ENDPOINT_URL_S3) for a server that is not Amazon's.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import fs

from agecli.engines.base import Column, Format, Table
from agecli.engines.files import ENDINGS, find_files
from agecli.errors import AgecliError, AwsError, ConfigError, DataError

SCHEME = "s3://"


class Object(NamedTuple):
    """A file: its path or URI, its size in bytes, and what changes when it does."""

    path: str
    size: int
    version: str


def objects_of(table: Table) -> list[Object]:
    """The files of a table with their sizes. Raises DataError for one that is not there, AwsError for S3."""
    remote = {o.path: o for o in _listing(_root(table))} if any(map(_is_remote, table.files)) else {}
    return [remote.get(f) or _missing(f) if _is_remote(f) else _local(f) for f in table.files]


def table_at(location: str, columns: tuple[Column, ...] = ()) -> Table:
    """The table of all data files of one format below a folder, file, glob or S3 prefix."""
    if not _is_remote(location):
        found = find_files(Path(location), fix="name a folder, a file or a glob")
        kinds = {_format(str(p)) for p in found.paths}
        return _table([str(p) for p in found.paths], kinds, columns, str(found.root), location)
    if not location.removeprefix(SCHEME).split("/")[0]:
        raise ConfigError(f"no bucket in {location}", "S3's addresses begin with one", "s3://bucket/prefix")
    listed = [o.path for o in _listing(location.rstrip("/")) if _visible(o.path, location)]
    known = [p for p in listed if p.lower().endswith(tuple(e for ends in ENDINGS.values() for e in ends))]
    if not known:
        raise ConfigError(f"nothing at {location}", "no data file is below it", "name a bucket and prefix with data")
    return _table(known, {_format(p) for p in known}, columns, location.rstrip("/"), location)


def _table(files: list[str], kinds: set[Format], columns: tuple[Column, ...], root: str, location: str) -> Table:
    if len(kinds) != 1:
        why = f"it holds {', '.join(sorted(kinds))} files"
        raise ConfigError(f"{location} is not one table", why, "name a folder with files of one format")
    delimiter = "\t" if files[0].lower().endswith((".tsv", ".tsv.gz")) else ","
    return Table(tuple(files), kinds.pop(), columns, delimiter, root)


def _format(path: str) -> Format:
    return next((kind for kind, ends in ENDINGS.items() if path.lower().endswith(ends)), "parquet")


def _visible(path: str, root: str) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.removeprefix(root).split("/") if part)


def _is_remote(path: str) -> bool:
    return path.startswith(SCHEME)


def _root(table: Table) -> str:
    if table.root.startswith(SCHEME):
        return table.root.rstrip("/")
    return os.path.commonpath([f.removeprefix(SCHEME) for f in table.files]).join((SCHEME, ""))


def _local(path: str) -> Object:
    try:
        found = Path(path).stat()
    except OSError:
        raise _absent(path) from None
    return Object(path, found.st_size, f"{found.st_size}-{found.st_mtime_ns}")


def _missing(path: str) -> Object:
    raise _absent(path)


def _absent(path: str) -> DataError:
    return DataError("a data file is missing", f"{path} is not there", "check the path of the source")


@functools.lru_cache(maxsize=8)
def _listing(root: str) -> tuple[Object, ...]:
    """All objects below an S3 prefix (or the object itself), by name. A thousand come with each request."""
    filesystem, path = filesystem_of(root)
    try:
        first = filesystem.get_file_info(path)
        if first.type == fs.FileType.File:
            infos = [first]
        else:
            infos = filesystem.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    except (pa.ArrowException, OSError) as error:
        raise error_of(root, error) or AwsError(f"cannot list {root}", str(error)) from None
    files = (i for i in infos if i.type == fs.FileType.File)
    return tuple(sorted(Object(SCHEME + i.path, i.size, f"{i.size}-{i.mtime_ns}") for i in files))


@functools.lru_cache(maxsize=4)
def _s3() -> fs.S3FileSystem:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint is None:
        return fs.S3FileSystem(region=region)
    scheme, _, host = endpoint.rpartition("://")
    return fs.S3FileSystem(
        region=region or "us-east-1", scheme=scheme or "https", endpoint_override=host.rstrip("/"), connect_timeout=10
    )


def forget() -> None:
    """Asks S3 anew: after a change of files or of settings."""
    _listing.cache_clear()
    _s3.cache_clear()


def filesystem_of(path: str) -> tuple[fs.FileSystem, str]:
    """The file system behind a path or URI, and the path in it."""
    if _is_remote(path):
        return _s3(), path.removeprefix(SCHEME)
    return fs.LocalFileSystem(), path


def error_of(path: str, error: Exception) -> AgecliError | None:
    """What S3's refusal means; None for errors that are not about reaching it."""
    text = str(error)
    if not _is_remote(path) or not ("AWS Error" in text or "curlCode" in text):
        return None
    why = text.split("AWS Error", 1)[-1].strip().splitlines()[0]
    return AwsError(f"S3 refuses {path}", why, "check AWS_PROFILE, AWS_REGION and the permission to list and read")
