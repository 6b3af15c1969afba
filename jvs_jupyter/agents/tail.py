"""The end of what a process writes: read as it comes, so that neither disk nor memory fills."""

from __future__ import annotations

import os
import threading
from typing import IO

OUTPUT_BYTES = 32_768
_PIECE = 1 << 16


class Tail:
    """Reads a pipe to its end in a thread of its own and keeps the last ``OUTPUT_BYTES``."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = b""
        self._seen = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := os.read(self._pipe.fileno(), _PIECE):
            self._kept = (self._kept + data)[-OUTPUT_BYTES:]
            self._seen += len(data)

    def end(self) -> tuple[str, int]:
        """Wait for the end of the pipe; return the text that was kept and how many bytes before it were not."""
        self._thread.join()
        self._pipe.close()
        return self._kept.decode(errors="replace"), self._seen - len(self._kept)
