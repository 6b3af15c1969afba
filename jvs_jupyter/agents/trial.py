"""Running an agent's command in a sandbox: bounded in time and output, and stopped when nobody waits any more."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core import Progress
from jvs_core.cli.watched import Watched
from jvs_jupyter.agents.tail import Tail
from jvs_jupyter.server.progress import Cancelled

_LOOK_EVERY_S = 0.1
_GRACE_S = 1.0  # nobody waits for what is cancelled, and who started the server may kill it soon


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
    left_behind: tuple[str, ...] = ()


def run(
    command: Sequence[str],
    folder: Path,
    *,
    session: str,
    timeout_s: float,
    cancelled: threading.Event,
    progress: Progress,
) -> Trial:
    """Run ``command`` in ``folder``, for ``timeout_s`` seconds at most, until ``cancelled`` is set.

    ``progress`` hears each second that passes. It reads an empty standard input. Nothing that it started outlives it, whatever session or group that made for
    itself. Raises InputError when it cannot be started.
    """
    child = Watched(
        command,
        folder=folder,
        environment={**os.environ, "JVS_SESSION": session},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.warden.stdout is not None
    assert child.warden.stderr is not None
    tails = Tail(child.warden.stdout), Tail(child.warden.stderr)
    try:
        stopped = _wait(child, timeout_s, cancelled, progress)
        ended = child.wait()
        assert ended is not None
    finally:
        child.close()
        (output, before), (errors, before_errors) = (tail.end() for tail in tails)
    return Trial(
        exit_status=ended.exit_status,
        output=output,
        errors=errors,
        left_out={"output": before, "errors": before_errors},
        stopped=stopped,
        left_behind=ended.behind,
    )


def _wait(child: Watched, timeout_s: float, cancelled: threading.Event, progress: Progress) -> str | None:
    """Wait for the command, and have it ended when the time is over; nothing is left that could hold a pipe open."""
    began, told = time.monotonic(), 0
    with suppress(Cancelled):
        progress.started("running", total=int(timeout_s))
        while child.wait(0) is None:
            if cancelled.wait(_LOOK_EVERY_S):
                break
            passed = time.monotonic() - began
            if passed >= timeout_s:
                child.stop()
                return "timeout"
            progress.advanced(int(passed) - told)
            told = int(passed)
        else:
            return None
    child.pass_on(signal.SIGTERM)
    child.wait(_GRACE_S)
    child.stop(at_once=True)
    return "cancelled"
