"""Processes of agecli's own do without pandas, also where it is installed."""

from __future__ import annotations

import subprocess
import sys

ARROW = "import pyarrow as pa; import pyarrow.dataset; pa.array([1])"


def test_a_process_that_leaves_pandas_out_never_loads_it():
    code = f"from agecli.lean import leave_pandas_out; leave_pandas_out(); {ARROW}; import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "pyarrow" in loaded and "pandas" not in loaded


def test_a_process_that_calls_the_command_line_keeps_its_pandas():
    code = "from agecli.cli import main; import sys; before = list(sys.meta_path); main(['--version'])"
    code += "; assert sys.meta_path == before"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
