"""A Redis of the tests' own, on a socket in a folder: metadata for JuiceFS, as most people deploy it."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_START_S = 10.0


@contextlib.contextmanager
def redis_server(program: str, folder: Path) -> Iterator[str]:
    """Run Redis with its data and its socket in ``folder`` for the block; yield the address as JuiceFS takes it.

    Each write is appended to a file and flushed once a second, as Redis is set up where its data matters.
    """
    socket = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    options += ["--appendonly", "yes", "--save", "", "--loglevel", "warning"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + _START_S
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"redis did not start:\n{(folder / 'redis.log').read_text(errors='replace')}")
            time.sleep(0.02)
        yield f"unix://{socket}?db=1"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
