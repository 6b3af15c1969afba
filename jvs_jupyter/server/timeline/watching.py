"""Watching a worktree in a thread, and telling the event loop that something changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from jvs_core import JvsError
from jvs_core import Watch as WorktreeWatch
from jvs_jupyter.server.paths import Place

_WAIT_S = 1.0

Log = logging.Logger | logging.LoggerAdapter[Any]


class Watch:
    """One worktree that is watched; ``moved`` is called in the thread, no more than twice a second.

    ``is_blind`` where not every change shows, as where the kernel gives no more watches, or on a volume that other machines
    write to: somebody must look then.
    """

    def __init__(self, place: Place, moved: Callable[[], None], log: Log) -> None:
        self._place = place
        self._moved = moved
        self._log = log
        self._leaving = threading.Event()
        self.is_blind = True
        threading.Thread(target=self._run, name="jvs-watch", daemon=True).start()

    def stop(self) -> None:
        """End, within a second."""
        self._leaving.set()

    def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                with self._place.repository.timeline.watch() as watch:
                    self._see(watch)
            except (JvsError, OSError) as error:
                self._log.debug("a worktree is not watched: %s", error)
            except Exception:  # noqa: BLE001 - it is looked at once in a while then
                self._log.exception("a worktree is not watched")
            self.is_blind = True
            self._leaving.wait(_WAIT_S)

    def _see(self, watch: WorktreeWatch) -> None:
        """Tell of changes as long as the worktree is there."""
        while not (self._leaving.is_set() or watch.is_lost):
            self.is_blind = watch.why is not None
            if watch.wait(_WAIT_S) and not self._leaving.is_set():
                self._moved()
