"""Running an agent's command in a sandbox: bounded in time and output, and stopped when nobody waits any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core import InputError
from jvs_jupyter.agents import warden
from jvs_jupyter.agents.tail import Tail

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Trial:
    """How a command ended. ``output`` and ``errors`` are the ends of what it wrote; ``left_out`` bytes came before them.

    ``exit_status`` is 128 + N for a command ended by signal N; ``stopped`` says why it was ended early, else None.
    """

    exit_status: int
    output: str
    errors: str
    left_out: dict[str, int]
    stopped: str | None


def run(
    command: Sequence[str], folder: Path, *, session: str, timeout_s: float, cancelled: threading.Event
) -> Trial:
    """Run ``command`` in ``folder``, for ``timeout_s`` seconds at most, until ``cancelled`` is set.

    It reads an empty standard input. Nothing that it started outlives it, whatever session or group that made for
    itself. Raises InputError when it cannot be started.
    """
    reading, report = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", warden.__file__, str(report), *command],
            cwd=folder,
            env={**os.environ, "JVS_SESSION": session},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(report,),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        os.close(reading)
        raise InputError(f"cannot run {command[0]!r}: {error}") from error
    finally:
        os.close(report)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    tails = Tail(child.stdout), Tail(child.stderr)
    with child.stdin:
        stopped = _wait(child, time.monotonic() + timeout_s, cancelled)
    (output, before), (errors, before_errors) = (tail.end() for tail in tails)
    return Trial(
        exit_status=_status(reading, command[0]),
        output=output,
        errors=errors,
        left_out={"output": before, "errors": before_errors},
        stopped=stopped,
    )


def _wait(child: subprocess.Popen[bytes], deadline: float, cancelled: threading.Event) -> str | None:
    """Wait for the warden, and tell it when the time is over; it leaves nothing that could hold a pipe open."""
    stopped = None
    while child.poll() is None and stopped is None:
        if cancelled.wait(_LOOK_EVERY_S):
            stopped = "cancelled"
        elif time.monotonic() >= deadline:
            stopped = "timeout"
    if stopped is not None:
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
    child.wait()
    return stopped


def _status(reading: int, name: str) -> int:
    """Return the exit status that the warden reported; it may have been killed before it could."""
    with open(reading, "rb") as pipe:
        said = pipe.read().decode()
    if said.startswith("E"):
        raise InputError(f"cannot run {name!r}: {os.strerror(int(said[1:]))}")
    status = int(said) if said else -signal.SIGKILL
    return 128 - status if status < 0 else status
