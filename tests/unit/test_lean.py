"""Libraries that are left out of a process, or come only when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest


def printed(code: str) -> str:
    """What code prints in a process of its own, where nothing is imported yet."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_xgboost_comes_without_scipy_scikit_learn_and_pandas():
    heavy = "{'scipy', 'sklearn', 'pandas'} & set(sys.modules)"
    assert printed(f"import sys, agecli.models.trees; print({heavy})") == "set()"


def test_scipy_comes_when_xgboost_asks_for_it():
    told = printed(
        "from agecli.models import trees; import numpy as np, scipy.sparse as sparse; xgb = trees.xgb\n"
        "rows = np.eye(8, dtype=np.float32)\n"
        "booster = xgb.train({}, xgb.DMatrix(rows, label=rows[:, 0]), 2)\n"
        "print((booster.inplace_predict(sparse.csr_matrix(rows)).shape, xgb.DMatrix(rows).get_data().nnz))"
    )
    assert told.startswith("((8,), ")


def test_what_is_loaded_already_is_taken_as_it_is():
    assert (
        printed("import scipy.sparse, agecli.models.trees, sys; print(sys.modules['scipy.sparse'].eye(2).nnz)") == "2"
    )


def test_a_library_that_is_left_out_cannot_be_imported_meanwhile():
    from agecli import lean

    with lean.without("colorsys"), pytest.raises(ModuleNotFoundError):
        sys.modules.pop("colorsys", None)
        __import__("colorsys")
    __import__("colorsys")
