"""Running a process that may be somebody else's to steer: it gets so much time and memory, and says so much."""

from __future__ import annotations

import os
import resource
import selectors
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

MOST_OUTPUT = 64 << 20
MOST_MEMORY = 4 << 30
_MOST_TOLD = 1 << 16
_PIECE = 1 << 16
_FULL_PIPE = 16


class TooMuch(Exception):
    """A process said more than anybody wants to hear."""


def limit(pid: int) -> None:
    """Let a process, and what it starts from now on, have no more memory than is enough for every command."""
    with suppress(OSError):  # it has ended
        resource.prlimit(pid, resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def run(command: Sequence[str], *, seconds: float, **how: Any) -> subprocess.CompletedProcess[bytes]:
    """Run ``command``, started by Popen as ``how`` says, without input; of stderr the end is kept.

    It ends with the process, whoever else still holds its pipes. Raises TimeoutExpired and TooMuch, after the process
    was killed, OSError and SubprocessError.
    """
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how
    ) as child:
        try:
            limit(child.pid)
            out, err = _collected(child, time.monotonic() + seconds)
            return subprocess.CompletedProcess(command, child.wait(seconds), out, err)
        except BaseException:
            child.kill()
            raise


def _collected(child: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    assert child.stdout is not None
    assert child.stderr is not None
    kept: dict[IO[bytes] | int, bytearray] = {child.stdout: bytearray(), child.stderr: bytearray()}
    ended = os.pidfd_open(child.pid)
    try:
        with selectors.DefaultSelector() as ready:
            for source in (*kept, ended):
                ready.register(source, selectors.EVENT_READ)
            rounds: int | None = None  # once it has ended: how often a full pipe can still be read
            while ready.get_map() and rounds != 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise subprocess.TimeoutExpired(child.args, 0)
                events = ready.select(left if rounds is None else 0)
                if rounds is not None:
                    rounds = rounds - 1 if events else 0
                for key, _ in events:
                    if key.fileobj == ended:
                        rounds = _FULL_PIPE
                        ready.unregister(ended)
                    elif not _read(key.fd, kept[key.fileobj], whole=key.fileobj is child.stdout):  # type: ignore[index]
                        ready.unregister(key.fileobj)
    finally:
        os.close(ended)
    return bytes(kept[child.stdout]), bytes(kept[child.stderr])


def _read(pipe: int, kept: bytearray, *, whole: bool) -> bool:
    """Read a piece and return whether there may be more."""
    data = os.read(pipe, _PIECE)
    kept += data
    if whole and len(kept) > MOST_OUTPUT:
        raise TooMuch
    if not whole:
        del kept[:-_MOST_TOLD]
    return bool(data)
