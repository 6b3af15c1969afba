"""A process that may be somebody else's to steer: it gets so much time and memory, and says so much."""

from __future__ import annotations

import os
import resource
import selectors
import subprocess
import time
from contextlib import suppress

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


def collected(stdout: int, stderr: int, process: int, deadline: float) -> tuple[bytes, bytes]:
    """Return what comes out of the two pipes of a process, given by its pidfd; of stderr the end.

    It ends with the process, whoever else still holds its pipes. Raises TimeoutExpired and TooMuch.
    """
    kept: dict[int, bytearray] = {stdout: bytearray(), stderr: bytearray()}
    with selectors.DefaultSelector() as ready:
        for source in (*kept, process):
            ready.register(source, selectors.EVENT_READ)
        rounds: int | None = None  # once it has ended: how often a full pipe can still be read
        while ready.get_map() and rounds != 0:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired("jvs", 0)
            events = ready.select(left if rounds is None else 0)
            if rounds is not None:
                rounds = rounds - 1 if events else 0
            for key, _ in events:
                if key.fd == process:
                    rounds = _FULL_PIPE
                    ready.unregister(process)
                elif not _read(key.fd, kept[key.fd], whole=key.fd == stdout):
                    ready.unregister(key.fd)
    return bytes(kept[stdout]), bytes(kept[stderr])


def _read(pipe: int, kept: bytearray, *, whole: bool) -> bool:
    """Read a piece and return whether there may be more."""
    data = os.read(pipe, _PIECE)
    kept += data
    if whole and len(kept) > MOST_OUTPUT:
        raise TooMuch
    if not whole:
        del kept[:-_MOST_TOLD]
    return bool(data)
