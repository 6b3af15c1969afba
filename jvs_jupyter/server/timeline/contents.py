"""What a contents manager saves, renames and deletes, whichever manager it is: told to the histories, before and after."""

from __future__ import annotations

import asyncio
import functools
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.services.contents.manager import AsyncContentsManager

from jvs_core import JvsError
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.paths import Root
from jvs_jupyter.server.timeline import work
from jvs_jupyter.server.timeline.histories import Histories
from jvs_jupyter.server.timeline.work import Cause

_MOST = 10_000
_WAIT_S = 1.0
_State = tuple[int, int, int]


class Contents:
    """The contents manager of a server, wrapped: its own methods do the work, and what they raise is raised.

    The methods of the instance are replaced, so that it does not matter what class it has, nor who calls it. A manager that is
    not asynchronous is not kept waiting for a snapshot: before a file goes, a copy of it is kept.
    """

    def __init__(self, manager: Any, root: Root, histories: Histories) -> None:
        self._manager = manager
        self._root = root
        self._histories = histories
        self._seen: OrderedDict[str, _State] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="jvs-contents")
        self._undo: list[tuple[str, Any]] = []

    def install(self) -> None:
        """Wrap the methods."""
        self._loop = asyncio.get_running_loop()
        for name in ("get", "save", "delete_file", "rename_file"):
            original = getattr(self._manager, name, None)
            if original is None:
                continue
            wrap = self._wrapped if isinstance(self._manager, AsyncContentsManager) else self._wrapped_at_once
            self._undo.append((name, vars(self._manager).get(name)))
            setattr(self._manager, name, wrap(name, original))

    def remove(self) -> None:
        """Give the manager its own methods back."""
        for name, before in self._undo:
            if before is None:
                vars(self._manager).pop(name, None)
            else:
                setattr(self._manager, name, before)
        self._undo = []
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _wrapped(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def call(*args: Any, **kwargs: Any) -> Any:
            path, cause = _subject(name, args, kwargs)
            if cause is not None and await self._in_thread(self._is_at_risk, path, cause):
                await self._histories.before(path, cause)
            result = await ensure_async(original(*args, **kwargs))
            await self._in_thread(self._note, path, name)
            self._after(name, args, kwargs)
            return result

        return call

    def _wrapped_at_once(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            path, cause = _subject(name, args, kwargs)
            if cause is not None and self._histories.enabled and self._is_at_risk(path, cause):
                self._keep_at_once(path, cause)
            result = original(*args, **kwargs)
            self._note(path, name)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._after, name, args, kwargs)
            return result

        return call

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _is_at_risk(self, path: str, cause: Cause) -> bool:
        """Return whether something is there that would go: for a save, that nobody read or saved here as it is now."""
        if cause == "delete":
            return os.path.lexists(self._root.folder / path.strip("/"))
        if cause == "rename" and isinstance(self._manager, FileManagerMixin):
            return False  # such a manager renames over nothing
        now = self._state(path)
        return now is not None and (cause == "rename" or self._seen.get(path.strip("/")) != now)

    def _note(self, path: str, name: str) -> None:
        """Remember how a file is that was just read or saved."""
        key = path.strip("/")
        state = self._state(path) if name in ("get", "save") else None
        self._seen.pop(key, None)
        if state is not None:
            self._seen[key] = state
            if len(self._seen) > _MOST:
                self._seen.popitem(last=False)

    def _state(self, path: str) -> _State | None:
        try:
            found = os.stat(self._root.folder / path.strip("/"))
        except (OSError, ValueError):
            return None
        return (
            None
            if os.path.isdir(self._root.folder / path.strip("/"))
            else (found.st_mtime_ns, found.st_size, found.st_ino)
        )

    def _keep_at_once(self, path: str, cause: Cause) -> None:
        kept: Future[bool] = self._threads.submit(self._keep, path, cause)
        try:
            kept.result(_WAIT_S)
        except TimeoutError:
            return  # it goes on beside the deletion

    def _keep(self, path: str, cause: Cause) -> bool:
        try:
            return work.keep(self._root, path.strip("/"), cause, whole=False)
        except (JvsError, RequestError):
            return False  # it lies in no repository, or cannot be kept: a person's own work goes on

    def _after(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if name == "get" or self._loop is None:
            return
        paths = {path.strip("/") for path in _paths(name, args, kwargs)}
        for path in paths:
            task = self._loop.create_task(self._histories.touched(path))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _paths(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    if name == "rename_file":
        given = [*args[:2], kwargs.get("old_path"), kwargs.get("new_path")]
    elif name == "save":
        given = [*args[1:2], kwargs.get("path")]
    else:
        given = [*args[:1], kwargs.get("path")]
    return [path for path in given if isinstance(path, str)]


def _subject(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Cause | None]:
    """Return the path that a call is about, and what would happen to what is there."""
    paths = _paths(name, args, kwargs)
    path = paths[-1] if paths else ""
    if name == "delete_file":
        return path, "delete"
    if name == "rename_file":
        return path, "rename"
    if name == "save":
        model = args[0] if args else kwargs.get("model", {})
        first = model.get("chunk") in (None, 1)
        return path, "overwrite" if first and model.get("type") in ("file", "notebook") else None
    return path, None
