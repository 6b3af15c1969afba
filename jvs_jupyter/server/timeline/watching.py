"""Watching a worktree by inotify: that something changed, not what; known caches and what links lead to left out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from asyncinotify import Event, Inotify, Mask

_MASK = Mask.CREATE | Mask.DELETE | Mask.MODIFY | Mask.ATTRIB | Mask.MOVE | Mask.ONLYDIR | Mask.DONT_FOLLOW
_CACHES = frozenset(("__pycache__", ".ipynb_checkpoints", ".venv", "node_modules", "lost+found"))
_MOST_FOLDERS = 20_000
_WAIT_S = 0.5


class Watch:
    """One folder and all below it, watched in a thread; ``moved`` is called there, no more than twice a second.

    ``works`` is False where the kernel gives no more watches, or there are too many folders: somebody must look then. Other
    machines' changes of a shared volume are not seen.
    """

    def __init__(self, folder: Path, moved: Callable[[], None]) -> None:
        self._folder = folder
        self._moved = moved
        self._leaving = threading.Event()
        self._inotify: Inotify | None = None
        self._folders = 0
        self.works = True

    def start(self) -> None:
        """Begin. It takes a moment for each thousand folders."""
        try:
            self._inotify = Inotify(sync_timeout=_WAIT_S)
            self._add(os.fspath(self._folder))
        except OSError:
            self._give_up()
            return
        threading.Thread(target=self._run, name="jvs-watch", daemon=True).start()

    def stop(self) -> None:
        """End, within a second."""
        self._leaving.set()

    def _run(self) -> None:
        inotify = self._inotify
        assert inotify is not None
        try:
            while not self._leaving.is_set():
                event = inotify.sync_get()
                if event is not None and self._counts(event):
                    self._moved()
                    self._leaving.wait(_WAIT_S)
        except OSError:
            self.works = False
        finally:
            inotify.close()

    def _counts(self, event: Event) -> bool:
        """Return whether an event says that something changed that history keeps; watch the folders that are new."""
        if Mask.Q_OVERFLOW in event.mask:
            self._folders = 0
            self._add(os.fspath(self._folder))
            return True
        if Mask.IGNORED in event.mask or event.name is None or event.name.name in _CACHES:
            return False
        if Mask.ISDIR in event.mask and event.mask & (Mask.CREATE | Mask.MOVED_TO) and event.path is not None:
            self._add(os.fspath(event.path))
        return True

    def _add(self, top: str) -> None:
        """Watch a folder and those below it. Raises OSError where there are no more watches, or too many folders."""
        assert self._inotify is not None
        for folder, names, _ in os.walk(top):
            names[:] = [name for name in names if name not in _CACHES]
            self._folders += 1
            if self._folders > _MOST_FOLDERS:
                raise OSError("too many folders")
            try:
                self._inotify.add_watch(folder, _MASK)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                names[:] = []  # gone, replaced or closed: whoever can change it is told of elsewhere
            if self._leaving.is_set():
                return

    def _give_up(self) -> None:
        self.works = False
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None
