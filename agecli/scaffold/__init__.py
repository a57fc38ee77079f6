"""Proposes a recipe for someone's own file: `agecli init --from FILE --id COL --label COL`.

sources    which files, which format, which columns
sampling   the rows that are looked at, in bounded memory
profiling  what a column holds
readings   how a text is read: number, date, yes or no, JSON
columns    what becomes of a column; nested: of JSON, arrays and rows
labels     number or class, bounds, tolerance, default
leaks      which features give the label away
render     recipe.toml, staging.sql, features.sql
proposal   the order of these steps
"""

from agecli.scaffold.proposal import Proposal, propose, write

__all__ = ["Proposal", "propose", "write"]
