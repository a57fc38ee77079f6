"""How long `agecli cost` takes to answer beyond start-up, and for a prefix of many files on an S3 server.

    python tests/benchmarks/cost_time.py --rows 100000 --files 10000

Makes a project of generated profiles and runs it; then times the commands beside `agecli --version`, in turn, and
prints medians in seconds: by the clock, which other work on the machine disturbs, and of the processor. --files 0
leaves S3 out; else moto's server is started on this machine, and the files are one of ten profiles under many names.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

AGECLI = [sys.executable, "-m", "agecli"]
BUCKET = "/bucket"
WRITERS = 4


def seconds(command: list[str], **environment: str) -> tuple[float, float]:
    """Seconds by the clock and of the processor that a command takes. Ends the benchmark where it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    _, status, used = os.wait4(process.pid, 0)
    taken = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with code {process.returncode}")
    return taken, used.ru_utime + used.ru_stime


def project(place: Path, rows: int) -> list[str]:
    """The command line for a project that has run over so many profiles."""
    made = [*AGECLI, "-C", str(place)]
    os.environ["AGECLI_SYNTH_ROWS"] = str(rows)
    for command in ([*AGECLI, "init", str(place)], [*made, "run", "--all"]):
        subprocess.run(command, check=True, capture_output=True)
    return made


def beyond_start(made: list[str], rounds: int) -> None:
    """Prints what each form of the command takes more than `agecli --version`."""
    forms = {
        "cost": ["cost"],
        "cost --compare": ["cost", "--compare"],
        "cost --sql": ["cost", "--sql", "SELECT AVG(confidence) FROM results"],
        "cost --actual": ["cost", "--actual"],
    }
    for name, words in forms.items():
        seconds([*made, *words])  # compiles what it loads, and remembers footers
        pairs = [(seconds([*AGECLI, "--version"]), seconds([*made, *words])) for _ in range(rounds)]
        clock, processor = (statistics.median(b[i] - a[i] for a, b in pairs) for i in (0, 1))
        start = statistics.median(a[0] for a, _ in pairs)
        print(f"agecli {name}: {clock:.2f} s beyond start-up ({start:.2f} s), {processor:.2f} s of the processor")


@contextmanager
def server() -> Iterator[int]:
    """moto's server on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def upload(port: int, content: bytes, files: int) -> None:
    """Puts the same bytes under many names below /bucket/profiles."""

    def put(part: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for number in range(part, files, WRITERS):
            connection.request("PUT", f"{BUCKET}/profiles/part-{number:05d}.parquet", body=content)
            connection.getresponse().read()

    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", BUCKET)
    connection.getresponse().read()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(put, range(WRITERS)))


def many_files(made: list[str], source: Path, files: int, place: Path) -> None:
    """Prints what `agecli cost` takes in all for so many files on S3: with nothing remembered, and again."""
    small = place / "small.parquet"
    pq.write_table(pq.read_table(source).slice(0, 10), small, compression="zstd")
    with server() as port:
        upload(port, small.read_bytes(), files)
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "XDG_CACHE_HOME": str(place / "cache"),
        }
        for said in ("first", "again"):
            taken, used = seconds([*made, "cost", "--source", f"s3:/{BUCKET}/profiles"], **environment)
            told = f"{taken:.1f} s in all, {used:.1f} s of the processor without the server's"
            print(f"agecli cost, {files:,} files on S3 of {small.stat().st_size:,} bytes, {said}: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="profiles in the project")
    parser.add_argument("--files", type=int, default=10_000, help="files below the prefix on S3")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: compiled once, not for every command
        os.environ["PYTHONPYCACHEPREFIX"] = str(place / "compiled")
        made = project(place / "project", arguments.rows)
        beyond_start(made, arguments.rounds)
        if arguments.files:
            (source,) = (place / "project").rglob("profiles-00000.parquet")
            many_files(made, source, arguments.files, place)


if __name__ == "__main__":
    main()
