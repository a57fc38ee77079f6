"""The command line: parse, ask the library, render.

`main` is the one door. Every error leaves through it as `error: what happened: why` and `fix: ...` on stderr (a
JSON line with `--log-format json`) and the exit code of README's table. This module, `group` and `session` are all
that `agecli --help` loads, so they import click and nothing heavier; a command's own module loads when it is used.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from agecli.cli.group import cli
from agecli.cli.session import Session
from agecli.errors import AgecliError
from agecli.lean import leave_pandas_out

PIPE_CLOSED = 141
INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C: what runs is cancelled cleanly, then the process ends with 143."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; never raises."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # the command line itself, not someone's process that calls this
        leave_pandas_out()
    session = Session(arguments)
    previous = _on_sigterm(_terminate)
    try:
        _accept_all_text()
        if "_AGECLI_COMPLETE" in os.environ:
            cli.main(args=arguments, prog_name="agecli")  # the shell asks for completions
        # not cli.main: that prints lines of its own when it is interrupted
        with cli.make_context("agecli", [*arguments] or ["--help"], obj=session) as context:
            cli.invoke(context)
        sys.stdout.flush()
        return 0
    except BaseException as error:
        return _leave(error, session)
    finally:
        _on_sigterm(previous)


def _leave(error: BaseException, session: Session) -> int:
    """Says what ended the command, in one place and one form, and gives the exit code."""
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return PIPE_CLOSED
    if isinstance(error, Terminated) or isinstance(error.__context__, Terminated):
        return _say(session, "stopped", "SIGTERM", session.resume_hint(), TERMINATED)
    if isinstance(error, AgecliError):
        code = TERMINATED if error.exit_code == INTERRUPTED and session.terminated else error.exit_code
        return _say(session, error.what, error.why, session.in_project(error.fix), code, type(error).__name__)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        code = TERMINATED if session.terminated else INTERRUPTED
        return _say(session, "stopped", "SIGTERM" if session.terminated else "Ctrl-C", session.resume_hint(), code)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "agecli"
        return _say(session, command, error.format_message(), f"{command} --help", 2, "UsageError")
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _silence_stdout()
        why = f"{error.filename or 'the place that the output goes to'} has no room left"
        return _say(session, "the disk is full", why, "free some space, and run again", 1)
    return _unexpected(error, session)


def _unexpected(error: BaseException, session: Session) -> int:
    """A fault of agecli itself: one line to report, and the traceback only when asked for."""
    if session.verbose:
        import traceback

        traceback.print_exception(error)
    what = f"unexpected {type(error).__name__}"
    hint = "" if session.verbose else "; -v shows where it happened"
    fix = f"this is a fault in agecli: report this line, what you typed and `agecli doctor`{hint}"
    return _say(session, what, str(error) or "no message", fix, 1)


def _say(session: Session, what: str, why: str, fix: str, code: int, kind: str = "") -> int:
    try:
        if session.log_format == "json":
            import json

            fields = {"error": kind or what, "what": what, "why": why, "fix": fix, "exit_code": code}
            print(json.dumps(fields, ensure_ascii=False), file=sys.stderr)
        else:
            from agecli.cli.output import one_line

            label = click.style("error:", fg="red", bold=True) if session.colour else "error:"
            print(label, one_line(f"{what}: {why}"), file=sys.stderr)
            if fix:
                print("fix:", one_line(fix), file=sys.stderr)
        sys.stderr.flush()
    except BrokenPipeError:
        return PIPE_CLOSED
    return code


def _accept_all_text() -> None:
    """Where the terminal's encoding lacks a letter of the data, an escape stands for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """Keeps Python from complaining at exit about the bytes that nobody reads any more, or that find no room."""
    for stream in (sys.stdout, sys.stderr):
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError):  # a stream that is no file, as under a test
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _terminate(signum: int, frame: FrameType | None) -> None:
    context = click.get_current_context(silent=True)
    if context is not None and isinstance(context.obj, Session):
        context.obj.terminated = True
    raise Terminated


def _on_sigterm(handler: signal._HANDLER) -> signal._HANDLER:
    try:
        return signal.signal(signal.SIGTERM, handler)
    except ValueError:  # not the main thread: whoever embeds us has the signals
        return None
