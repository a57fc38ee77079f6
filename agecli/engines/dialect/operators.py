"""The operators of the dialect, from the modules that define them."""

from agecli.engines.dialect.arithmetic import arithmetic, concatenate, negate, scaled, unscaled
from agecli.engines.dialect.comparison import compare, equality, logical
from agecli.engines.dialect.evaluation import both, coerce_pair, combined, guarded, is_cheap, mapped, mismatch, once

__all__ = [
    "arithmetic", "both", "coerce_pair", "combined", "compare", "concatenate", "equality", "guarded", "is_cheap",
    "logical", "mapped", "mismatch", "negate", "once", "scaled", "unscaled",
]  # fmt: skip
