"""What a process of agecli's own leaves out: pandas, which Arrow imports where it is installed and nothing here needs.

It costs 0.4 s and 50 MB in every command and worker. Only for processes that are agecli's, never for an importing one.

XGBoost is imported without libraries that it makes no use of here. CPU seconds and memory of that import, in every
worker that predicts (measured, after NumPy's): 1.6 s and 163 MB as it is, 0.25 s and 34 MB without scikit-learn and
pandas, 0.03 s and 7 MB without SciPy too.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Without:
    """A finder of modules that does not find some. No None stands in `sys.modules` for them: compiled code that
    imports one at that moment in another thread would take the None for a module."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in self.names:
            raise ModuleNotFoundError(f"{fullname} is not used here", name=fullname)


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is first asked for, once `ready`."""

    ready = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name) if self.ready else object


def leave_pandas_out() -> None:
    """From now on, pandas is as if it were not installed in this process."""
    sys.meta_path.insert(0, _Without(("pandas",)))


@contextmanager
def without(*names: str) -> Iterator[None]:
    """While this lasts, these modules are as if they were not installed."""
    finder = _Without(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def later(package: str, module: str) -> Iterator[None]:
    """What is imported while this lasts gets `package.module` when it first uses it, unless it is loaded already."""
    full = f"{package}.{module}"
    if package in sys.modules:
        yield
        return
    outer, inner = _Later(package), _Later(full)
    setattr(outer, module, inner)
    sys.modules[package], sys.modules[full] = outer, inner
    try:
        yield
    finally:
        del sys.modules[package], sys.modules[full]
        outer.ready = inner.ready = True
