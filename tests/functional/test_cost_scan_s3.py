"""Scans of tables on S3, on a server of moto's on this machine."""

from __future__ import annotations

import importlib.util
import io
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from agecli.cost import objects
from agecli.cost.scan import estimate, table_at
from agecli.errors import AwsError, ConfigError, DataError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("moto") is None, reason="moto is not installed: pip install -e '.[test]'"
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def bucket(endpoint, tmp_path, monkeypatch) -> Iterator[fs.SubTreeFileSystem]:
    """An empty prefix; what is written to it is seen below s3://bucket/<name of the test>."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "XDG_CACHE_HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    objects.forget()
    host = endpoint.removeprefix("http://")
    s3 = fs.S3FileSystem(endpoint_override=host, scheme="http", region="us-east-1", allow_bucket_creation=True)
    s3.create_dir("bucket")
    yield fs.SubTreeFileSystem(f"bucket/{tmp_path.name}", s3)
    objects.forget()


def put(bucket: fs.SubTreeFileSystem, name: str, content: bytes) -> None:
    with bucket.open_output_stream(name) as stream:
        stream.write(content)


def parquet(rows: int = 1000, **options: object) -> bytes:
    stored = io.BytesIO()
    pq.write_table(pa.table({"id": np.arange(rows), "value": np.random.default_rng(1).random(rows)}), stored, **options)
    return stored.getvalue()


def uri(bucket: fs.SubTreeFileSystem) -> str:
    return f"s3://{bucket.base_path.rstrip('/')}"


def test_a_prefix_costs_what_the_same_files_cost_on_disk(bucket, tmp_path):
    content = parquet(600_000, compression="none", use_dictionary=False, row_group_size=50_000)
    put(bucket, "year=2024/a.parquet", content)
    put(bucket, "year=2023/a.parquet", parquet())
    put(bucket, "_temporary/x.parquet", b"not seen")
    for year, data in ((2024, content), (2023, parquet())):
        (tmp_path / "disk" / f"year={year}").mkdir(parents=True)
        (tmp_path / "disk" / f"year={year}" / "a.parquet").write_bytes(data)
    here, there = table_at(str(tmp_path / "disk")), table_at(uri(bucket))
    for sql in ("SELECT value FROM t", "SELECT id FROM t WHERE id < 1000", "SELECT 1 FROM t WHERE year = '2024'"):
        assert estimate(sql, {"t": there}).bytes == estimate(sql, {"t": here}).bytes


def test_of_many_small_files_a_sample_of_footers_is_read(bucket, monkeypatch):
    monkeypatch.setattr("agecli.cost.scan._FOOTERS_OF_SMALL_FILES", 4)
    content = parquet()
    for number in range(12):
        put(bucket, f"{number:02d}.parquet", content)
    scan = estimate("SELECT value FROM t", {"t": table_at(uri(bucket))})
    assert (scan.label, scan.bytes.high, scan.tables[0].rows) == ("exact", 12 * len(content), 12_000)
    assert any("sample of 4 footers" in note for note in scan.tables[0].notes)


def test_csv_on_s3_costs_its_size(bucket):
    put(bucket, "a.csv", b"id,word\n1,amber\n")
    assert estimate("SELECT word FROM t", {"t": table_at(uri(bucket))}).bytes.high == 16


def test_what_is_missing_or_broken_is_named(bucket):
    with pytest.raises(ConfigError, match="nothing at s3://"):
        table_at(uri(bucket) + "/nothing")
    put(bucket, "a.parquet", b"not a Parquet file, but long enough")
    with pytest.raises(DataError, match=r"a\.parquet"):
        estimate("SELECT 1 FROM t", {"t": table_at(uri(bucket))})


@pytest.mark.parametrize("location", ["s3://", "s3:///prefix"])
def test_an_address_without_a_bucket_is_refused(location):
    with pytest.raises(ConfigError, match="no bucket"):
        table_at(location)


def test_an_s3_that_does_not_answer_is_an_error_of_access(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    objects.forget()
    with pytest.raises(AwsError, match="s3://"):
        table_at("s3://bucket/anything")
