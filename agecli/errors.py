"""Every error a user can meet, and the exit code it ends with.

    AgecliError                  1  a stage failed (disk full and read-only places too)
    ├── ConfigError              2  usage or configuration (a source that is not there too)
    │   ├── SqlRefused           2  SQL outside what is known to mean the same on every engine
    │   └── SqlInvalid           2  SQL that does not parse, or names what is not there
    ├── DataError                3  the data breaks the recipe's contract
    │   └── SqlFailed            3  a query that fails on the data, as it would on Athena
    ├── AwsError                 4  AWS access
    ├── CostRefused              5  the cost guard refused
    ├── BatchesFailed            6  finished, but some batches failed
    ├── WorkspaceLocked          7  another run holds this workspace
    ├── GateRefused              8  a gate refused (model or publication)
    └── Interrupted            130  (143 after SIGTERM)

An error is raised where the fact is known and shown once, at the door: `what happened: why`, then how to fix it.
"""

from __future__ import annotations


class AgecliError(Exception):
    """Something the user must know: `what` happened, `why`, and the command or setting that fixes it."""

    exit_code = 1

    def __init__(self, what: str, why: str, fix: str = "") -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.fix = fix

    def to_json(self) -> dict[str, str | int]:
        """The error as a plain mapping, for events and for the pipe between processes."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "why": self.why,
            "fix": self.fix,
            "exit_code": self.exit_code,
        }


class ConfigError(AgecliError):
    exit_code = 2


class SqlRefused(ConfigError):
    """An expression that is not known to mean the same on every engine, so it does not run at all."""


class SqlInvalid(ConfigError):
    """SQL that does not parse, or that names a table, column or function that is not there."""


class DataError(AgecliError):
    exit_code = 3


class SqlFailed(DataError):
    """A query that fails on the data it reads (a cast, a division by zero), as it would on Athena."""


class AwsError(AgecliError):
    exit_code = 4


class CostRefused(AgecliError):
    exit_code = 5


class BatchesFailed(AgecliError):
    exit_code = 6


class WorkspaceLocked(AgecliError):
    exit_code = 7


class GateRefused(AgecliError):
    exit_code = 8


class Interrupted(AgecliError):
    exit_code = 130


def from_json(fields: dict[str, str | int]) -> AgecliError:
    """Rebuilds an error that another process reported; an unknown kind comes back as a plain AgecliError."""
    error = _by_name().get(str(fields.get("error")), AgecliError)(
        str(fields.get("what", "a stage failed")),
        str(fields.get("why", "unknown")),
        str(fields.get("fix", "")),
    )
    error.exit_code = int(fields.get("exit_code", error.exit_code))
    return error


def _by_name() -> dict[str, type[AgecliError]]:
    found: dict[str, type[AgecliError]] = {}
    pending: list[type[AgecliError]] = [AgecliError]
    while pending:
        kind = pending.pop()
        found[kind.__name__] = kind
        pending.extend(kind.__subclasses__())
    return found
