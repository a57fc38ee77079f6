"""`agecli doctor`: is everything here that a run needs?"""

from __future__ import annotations

from agecli.cli import output
from agecli.cli.checkup import check_all
from agecli.cli.group import command
from agecli.cli.options import current_session, output_option
from agecli.errors import AgecliError


@command("doctor")
@output_option
def doctor(form: str) -> None:
    """Check this machine, the installation and the project.

    Ends with 1 when something is wrong, and says what to do about it.

    \b
    Example:
      agecli doctor
      agecli doctor --output markdown
    """
    found = list(check_all(current_session()))
    rows = [{"check": f.check, "state": "ok" if f.ok else "wrong", "found": f.value} for f in found]
    output.emit(rows, ("check", "state", "found"), form)
    wrong = [finding for finding in found if not finding.ok]
    if wrong:
        what = f"{len(wrong)} of {len(found)} checks failed"
        raise AgecliError(what, f"{wrong[0].check}: {wrong[0].value}", wrong[0].fix)
