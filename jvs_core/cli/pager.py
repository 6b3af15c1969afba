"""The user's pager, as git starts it: where stdout is a terminal, with colours, until the user leaves it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from jvs_core.cli.streams import without_raw_bytes

_DEFAULT = "less"
# What git gives them: less ends by itself where one screen suffices, keeps colours, and leaves the screen as it is.
_THEIRS = {"LESS": "FRX", "LV": "-c"}
_NONE = ("", "cat")


def command() -> str | None:
    """Return the pager's command line: JVS_PAGER, else PAGER, else less. None for none, and where stdout is no terminal."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return None
    named = next((os.environ[name] for name in ("JVS_PAGER", "PAGER") if name in os.environ), _DEFAULT)
    program = named.split()[0] if named.split() else ""
    return None if program in _NONE or shutil.which(program) is None else named


def page(lines: Iterable[str], pager: str) -> None:
    """Show the lines in a pager, until the user leaves it, which may be before the end. Ctrl-C is for the pager."""
    import subprocess

    environment = {**_THEIRS, **os.environ}
    shown = subprocess.Popen(["/bin/sh", "-c", pager], env=environment, stdin=subprocess.PIPE)
    assert shown.stdin is not None
    encoding = sys.stdout.encoding or "utf-8"
    with _ignoring_interrupts():
        with suppress(BrokenPipeError, ConnectionResetError):
            for line in lines:
                shown.stdin.write((without_raw_bytes(line) + "\n").encode(encoding, "backslashreplace"))
        with suppress(BrokenPipeError, ConnectionResetError):
            shown.stdin.close()
        shown.wait()


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
