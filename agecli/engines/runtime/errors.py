"""What a runtime function raises: the error Trino would raise, or the refusal to guess.

`TrinoError` is a failure that Trino has too: TRY turns it into NULL. `GuardError` says that the value is one
for which this engine is not known to agree with Trino; no TRY may hide it, since Trino has a value there.
"""

from __future__ import annotations


class TrinoError(ValueError):
    """The call fails on Trino as well, so TRY(...) of it is NULL."""


class GuardError(RuntimeError):
    """The data holds a value on which the engines are not known to agree; the query must stop."""
