"""Starts a real Trino where this machine can: a JDK of 24 or newer and Maven, which fetches some 400 MB of jars once.

Nothing is installed: the jars come from Maven's own repository, and `LocalTrino.java` beside this file is compiled into
the user's cache. The process ends with its standard input, so none is left behind.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent / "trino"
OLDEST_JDK = 24


class CannotStart(Exception):
    """What this machine lacks, or what went wrong."""


def jdk() -> Path:
    """The newest JDK that can run Trino: JAVA_HOME, else one of those below /usr/lib/jvm."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else sorted(Path("/usr/lib/jvm").glob("*"))
    found = {_release(home): home for home in homes}
    if not found or max(found) < OLDEST_JDK:
        raise CannotStart(f"no JDK of {OLDEST_JDK} or newer in JAVA_HOME or /usr/lib/jvm")
    return found[max(found)]


def _release(home: Path) -> int:
    if not (home / "bin" / "javac").is_file() or not (home / "release").is_file():
        return 0
    version = re.search(r'JAVA_VERSION="(\d+)', (home / "release").read_text(encoding="utf-8"))
    return int(version[1]) if version else 0


def build(java_home: Path) -> str:
    """The class path of Trino and of LocalTrino, fetched and compiled where they are not yet in the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "agecli-trino"
    cache.mkdir(parents=True, exist_ok=True)
    jars = cache / "classpath"
    if not jars.is_file():
        maven = shutil.which("mvn")
        if maven is None:
            raise CannotStart("Maven (mvn) is not on the PATH")
        goal = ["dependency:build-classpath", f"-Dmdep.outputFile={jars}"]
        _run([maven, "-B", "-q", "-f", str(HERE / "pom.xml"), *goal], java_home)
    compiled, source = cache / "LocalTrino.class", HERE / "LocalTrino.java"
    if not compiled.is_file() or compiled.stat().st_mtime < source.stat().st_mtime:
        compiler = str(java_home / "bin" / "javac")
        _run([compiler, "-cp", jars.read_text(encoding="utf-8"), "-d", str(cache), str(source)], java_home)
    return f"{cache}{os.pathsep}{jars.read_text(encoding='utf-8')}"


def _run(command: list[str], java_home: Path) -> None:
    environment = {**os.environ, "JAVA_HOME": str(java_home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"{command[0]} failed: {(done.stdout + done.stderr)[-500:]}")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A Trino over `folder` for as long as the block lasts; gives its URL."""
    java_home = jdk()
    class_path = build(java_home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A Trino made for tests remembers something of every query; 3 GB last for some ten thousand.
    options = ["-Xmx3g", "--add-modules", "jdk.incubator.vector", "--sun-misc-unsafe-memory-access=allow"]
    options += ["--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", class_path]
    command = [str(java_home / "bin" / "java"), *options, "LocalTrino", str(port), str(folder)]
    log = folder / "_trino.log"
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            if not any(line.strip() == "ready" for line in process.stdout):
                raise CannotStart(f"Trino ended: {log.read_text(encoding='utf-8')[-500:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.communicate()
