"""Running an agent's command in a sandbox: bounded in time and output, and stopped when nobody waits any more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jvs_core import InputError

OUTPUT_BYTES = 32_768
_LOOK_EVERY_S = 0.1
_END_S = 5.0


@dataclass(frozen=True)
class Trial:
    """How a command ended. ``output`` and ``errors`` are the last ``OUTPUT_BYTES`` of what it wrote.

    ``exit_status`` is 128 + N for a command ended by signal N; ``stopped`` says why it was ended early, else None.
    """

    exit_status: int
    output: str
    errors: str
    truncated: bool
    stopped: str | None


def run(
    command: Sequence[str], folder: Path, *, session: str, timeout_s: float, cancelled: threading.Event
) -> Trial:
    """Run ``command`` in ``folder``, for ``timeout_s`` seconds at most, until ``cancelled`` is set.

    It reads an empty standard input. Its process group is ended with it. Raises InputError when it cannot be started.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "JVS_SESSION": session},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise InputError(f"cannot run {command[0]!r}: {error}") from error
        stopped = _wait(child, time.monotonic() + timeout_s, cancelled)
        texts = [_tail(file) for file in (output, errors)]
    status = child.returncode
    return Trial(
        exit_status=128 - status if status < 0 else status,
        output=texts[0][0],
        errors=texts[1][0],
        truncated=texts[0][1] or texts[1][1],
        stopped=stopped,
    )


def _wait(child: subprocess.Popen[bytes], deadline: float, cancelled: threading.Event) -> str | None:
    stopped = None
    try:
        while child.poll() is None and stopped is None:
            if cancelled.wait(_LOOK_EVERY_S):
                stopped = "cancelled"
            elif time.monotonic() >= deadline:
                stopped = "timeout"
    finally:
        _end_group(child)
    return stopped


def _end_group(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_END_S)


def _tail(file: IO[bytes]) -> tuple[str, bool]:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - OUTPUT_BYTES))
    return file.read().decode(errors="replace"), size > OUTPUT_BYTES
