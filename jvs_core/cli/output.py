"""Printing an outcome or an error, in words or as JSON, and the exit status that goes with it."""

from __future__ import annotations

import codecs
import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any, BinaryIO, TextIO

from click import style, unstyle

from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe
from jvs_core.errors import ClockSkewExceeded, JvsError

INTERRUPTED = 130
_CHUNK = 1 << 20


def show(outcome: Outcome, call: Call) -> int:
    """Print an outcome and return the exit status of the command."""
    try:
        _stderr(
            (f"{_yellow('warning:', call)} {safe(warning)}" for warning in outcome.warnings),
            call,
            prefix=True,
        )
        if call.json:
            _stdout_text([_document(outcome.to_json())])
        elif outcome.stream is not None:
            with outcome.stream as stream:
                _stdout_stream(stream)
        else:
            _stdout_text(outcome.lines if _coloured(sys.stdout, call) else map(unstyle, outcome.lines))
        if not (call.quiet or call.json):
            _stderr(map(safe, outcome.notices), call)
    except BrokenPipeError:
        _silence_stdout()
    return outcome.exit_status


def show_warnings_of(logger: str, call: Call) -> None:
    """Show what is logged to ``logger`` from now on as warnings of the command."""
    import logging  # with the repository it is loaded anyway, not for --help

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _stderr([f"{_yellow('warning:', call)} {safe(record.getMessage())}"], call, prefix=True)

    logging.getLogger(logger).handlers[:] = [Shown()]


def show_error(error: JvsError, call: Call, *, status: int | None = None) -> int:
    """Print an error in the contract's form and return its exit status."""
    try:
        if call.json:
            _stdout_text([_document({"error": error.to_json()})])
        else:
            lines = [f"{_red(error.code + ':', call)} {safe(error.message)}"]
            _stderr(lines, call, prefix=True)
            if error.hint:
                _stderr([f"hint: {safe(error.hint)}"], call)
    except BrokenPipeError:
        _silence_stdout()
    return error.exit_status if status is None else status


def show_traceback(call: Call) -> None:
    """Print the traceback of the exception being handled on stderr."""
    import traceback

    _stderr(map(safe, traceback.format_exc().splitlines()), call)


def unexpected(error: BaseException) -> JvsError:
    """Return the contract's error for an exception that nobody foresaw."""
    if isinstance(error, OverflowError) and not _tells_time():
        return ClockSkewExceeded(
            "the clock of this machine stands after the year 2262, which Python cannot say",
            hint="set the clock, then run the command again",
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


def interrupted() -> JvsError:
    """Return the contract's error for a command that was stopped with Ctrl-C."""
    return JvsError("interrupted; nothing was left half done")


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


def _stdout_text(lines: Iterable[str]) -> None:
    """Print the lines as they come; a terminal sees each at once."""
    stream = sys.stdout
    if stream is None:  # started with a closed stdout
        return
    terminal = stream.isatty()
    for line in lines:
        _write(stream, (_without_raw_bytes(line) if terminal else line) + "\n")
        if terminal:
            stream.flush()
    stream.flush()


def _stdout_stream(source: BinaryIO) -> None:
    stream = sys.stdout
    if stream is None:
        return
    raw = stream.buffer
    while chunk := source.read(_CHUNK):
        raw.write(chunk)
    raw.flush()


def _stderr(lines: Iterable[str], call: Call, *, prefix: bool = False) -> None:
    stream = sys.stderr
    if stream is None:
        return
    start = "jvs: " if prefix else ""
    try:
        _write(stream, "".join(f"{start}{_without_raw_bytes(line)}\n" for line in lines))
        stream.flush()
    except OSError:  # nobody can be told that nobody can be told
        return


def _write(stream: TextIO, text: str) -> None:
    data = text.encode(stream.encoding or "utf-8", "jvs-output")
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(data.decode(stream.encoding or "utf-8", "backslashreplace"))
    else:
        raw.write(data)


def _without_raw_bytes(text: str) -> str:
    """Show bytes that are not UTF-8 as ``\\xNN``: a terminal may take them for control characters."""
    return text.encode("utf-8", "jvs-output").decode("utf-8", "backslashreplace")


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    """Encode what an encoding lacks: escaped bytes as themselves, anything else as a backslash escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    parts = [
        bytes([ord(c) - 0xDC00]) if "\udc80" <= c <= "\udcff" else c.encode("ascii", "backslashreplace")
        for c in error.object[error.start : error.end]
    ]
    return b"".join(parts), error.end


codecs.register_error("jvs-output", _as_bytes)


def _silence_stdout() -> None:
    """Keep the interpreter from complaining, at its end, about a reader that went away."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        return
    finally:
        os.close(null)
