"""Running somebody's command: its signals, its output, its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from jvs_core.cli.watched import Exit, Watched
from jvs_core.errors import InputError

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_LOOK_EVERY_S = 1.0


def run_child(
    command: Sequence[str],
    *,
    session: str,
    folder: Path | None = None,
    to_stderr: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> int:
    """Run ``command`` in ``folder`` as part of ``session`` and return its exit status, 128 + N for signal N.

    ``meanwhile`` is called every second. With ``to_stderr`` stdout stays free for one JSON document. Raises InputError
    when the command cannot be started.
    """
    environment = {**os.environ, "JVS_SESSION": session}
    try:
        child = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=sys.stderr if to_stderr else None
        )
    except OSError as error:
        raise InputError(f"cannot run {command[0]!r}: {os.strerror(error.errno or 0)}") from error
    with _forwarding(child.send_signal):
        while True:
            try:
                status = child.wait(timeout=_LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                meanwhile()
    return 128 - status if status < 0 else status


def run_alone(command: Sequence[str], *, session: str, folder: Path, to_stderr: bool = False) -> Exit:
    """Run ``command`` as ``run_child`` does, and end what it started with it, in the background too.

    Raises InputError when the command cannot be started.
    """
    child = Watched(
        command,
        folder=folder,
        environment={**os.environ, "JVS_SESSION": session},
        reads_input=True,
        in_terminal=True,
        stdout=sys.stderr if to_stderr else None,
    )
    try:
        with _forwarding(child.pass_on):
            while (ended := child.wait(_LOOK_EVERY_S)) is None:
                pass
    finally:
        child.close()
    return ended


@contextmanager
def _forwarding(send: Callable[[int], None]) -> Iterator[None]:
    """Hand the signals that would stop this process to the child, and let it decide."""

    def forward(number: int, _frame: FrameType | None) -> None:
        # a terminal sends Ctrl-C to the whole foreground group: the child has it already
        if number in (signal.SIGINT, signal.SIGQUIT) and _in_foreground():
            return
        send(number)

    heeded = [number for number in _FORWARDED if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    previous = {number: signal.signal(number, forward) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
