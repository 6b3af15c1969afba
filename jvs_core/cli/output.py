"""Printing an outcome or an error, in words or as JSON, and the exit status that goes with it."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

from click import style, unstyle

from jvs_core.cli import streams
from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.pager import command as page_command
from jvs_core.cli.pager import page
from jvs_core.cli.text import safe
from jvs_core.errors import ClockSkewExceeded, EngineFailed, JvsError, NoSpace

INTERRUPTED = 130
READER_GONE = 141
_LONGEST = 200
# What Python and the dynamic linker say where memory, or the number of threads, is at its limit.
_STARVED = ("can't start new thread", "failed to map segment", "cannot allocate memory")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def show(outcome: Outcome, call: Call) -> int:
    """Print an outcome and return the exit status of the command; that of SIGPIPE where nobody reads on."""
    try:
        _say((f"{_yellow('warning:', call)} {safe(warning)}" for warning in outcome.warnings), prefix=True)
        _print(outcome, call)
    except BrokenPipeError:
        streams.silence()
        return READER_GONE
    except streams.Unwritten as failure:
        streams.silence()
        error = _unwritten(failure.cause, outcome)
        _say_error(error, call)
        return error.exit_status
    if not (call.quiet or call.json):
        _say(map(safe, outcome.notices))
        if sys.stderr is not None and sys.stderr.isatty():
            _say(map(safe, outcome.advice))
    return outcome.exit_status


def _print(outcome: Outcome, call: Call) -> None:
    if call.json:
        streams.write_lines([_document(outcome.to_json())])
    elif outcome.stream is not None:
        with outcome.stream as stream:
            streams.copy(stream)
    elif outcome.exact is not None and not (sys.stdout is not None and sys.stdout.isatty()):
        streams.write_lines([outcome.exact])
    else:
        lines = outcome.shown()
        shown = lines if _coloured(sys.stdout, call) else map(unstyle, lines)
        pager = page_command() if outcome.paged else None
        if pager is None:
            streams.write_lines(shown)
        else:
            page(shown, pager)


def _unwritten(cause: OSError, outcome: Outcome) -> JvsError:
    """Return the error for output that could not be written; what the command has done by then is done."""
    reason = os.strerror(cause.errno or 0)
    lines = [unstyle(line) for line in outcome.shown()] if isinstance(outcome.lines, list) else []
    done = f": {lines[0][:_LONGEST]}" if lines and outcome.stream is None else ""
    kind = NoSpace if cause.errno in _FULL else EngineFailed
    return kind(
        f"cannot write the output: {reason}; the command itself was carried out{done}",
        hint="write the output somewhere else, or free space there",
    )


def show_warnings_of(logger: str, call: Call) -> None:
    """Show what is logged to ``logger`` from now on as warnings of the command."""
    import logging  # with the repository it is loaded anyway, not for --help

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _say([f"{_yellow('warning:', call)} {safe(record.getMessage())}"], prefix=True)

    logging.getLogger(logger).handlers[:] = [Shown()]


def show_error(error: JvsError, call: Call, *, status: int | None = None) -> int:
    """Print an error in the contract's form and return its exit status."""
    try:
        if call.json:
            streams.write_lines([_document({"error": {**error.to_json(), "hint": _hint(error)}})])
        else:
            _say_error(error, call)
    except (BrokenPipeError, streams.Unwritten) as failure:
        streams.silence()
        if isinstance(failure, streams.Unwritten):
            _say_error(error, call)
    return error.exit_status if status is None else status


def _say_error(error: JvsError, call: Call) -> None:
    _say([f"{_red(error.code + ':', call)} {safe(error.message)}"], prefix=True)
    _say([f"hint: {safe(_hint(error))}"])


def _hint(error: JvsError) -> str:
    """Return what to run next: the error's own hint, or where its code is explained."""
    return error.hint or f"jvs explain {error.code}"


def show_traceback(call: Call) -> None:
    """Print the traceback of the exception being handled on stderr."""
    import traceback

    _say(map(safe, traceback.format_exc().splitlines()))


def unexpected(error: BaseException) -> JvsError:
    """Return the contract's error for an exception that nobody foresaw, or that the machine's limits brought about."""
    if isinstance(error, OverflowError) and not _tells_time():
        return ClockSkewExceeded(
            "the clock of this machine is after the year 2262, which Python cannot handle",
            hint="set the clock, then run the command again",
        )
    if isinstance(error, MemoryError) or any(word in str(error) for word in _STARVED):
        return EngineFailed(
            f"the limits of this process are too low: {str(error) or 'out of memory'}",
            hint="raise the limit on memory or processes (ulimit -v, ulimit -u), or free memory",
        )
    return JvsError(
        f"unexpected {type(error).__name__}: {error}",
        hint="run it again with -v -v to see where, and report it",
    )


def _tells_time() -> bool:
    try:
        time.time_ns()
    except OverflowError:
        return False
    return True


def interrupted(number: int) -> JvsError:
    """Return the contract's error for a command that was stopped with Ctrl-C or another signal."""
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    return JvsError(f"{how}; nothing is half done")


def _document(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True)


def _coloured(stream: TextIO | None, call: Call) -> bool:
    return (
        call.color
        and stream is not None
        and stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def _yellow(text: str, call: Call) -> str:
    return style(text, fg="yellow") if _coloured(sys.stderr, call) else text


def _red(text: str, call: Call) -> str:
    return style(text, fg="red", bold=True) if _coloured(sys.stderr, call) else text


def _say(lines: Iterable[str], *, prefix: bool = False) -> None:
    streams.write_error("jvs: " if prefix else "", lines)
