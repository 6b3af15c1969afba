"""What a contents manager saves, renames and deletes, whichever manager it is: told to the histories, before and after."""

from __future__ import annotations

import asyncio
import functools
import os
import stat
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
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

_METHODS = ("get", "save", "delete_file", "rename_file")
_MOST = 10_000
_WAIT_S = 10.0
_State = tuple[int, int, int]


class Contents:
    """The contents manager of a server, wrapped: its own methods do the work, and what they raise is raised.

    The methods of the instance are replaced, so that it does not matter what class it has, nor who calls it; of a hybrid
    manager those of the managers that it is made of. One that is not asynchronous is not kept waiting for a snapshot: before
    a file goes, a copy of it is kept.
    """

    def __init__(self, manager: Any, root: Root, histories: Histories) -> None:
        self._manager = manager
        self._root = root
        self._histories = histories
        self._seen: OrderedDict[str, _State] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="jvs-contents")
        self._undo: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Wrap the methods."""
        self._loop = asyncio.get_running_loop()
        for manager in _by_files(self._manager):
            wrap = self._wrapped if isinstance(manager, AsyncContentsManager) else self._wrapped_at_once
            for name in _METHODS:
                self._undo.append((manager, name, vars(manager).get(name)))
                setattr(manager, name, wrap(manager, name, getattr(manager, name)))

    def remove(self) -> None:
        """Give the managers their own methods back."""
        for manager, name, before in self._undo:
            if before is None:
                vars(manager).pop(name, None)
            else:
                setattr(manager, name, before)
        self._undo = []
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _wrapped(self, manager: Any, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def call(*args: Any, **kwargs: Any) -> Any:
            paths, cause = await self._in_thread(self._subject, manager, name, args, kwargs)
            if cause is not None:
                await self._histories.before(paths[-1], cause)
            result = await ensure_async(original(*args, **kwargs))
            await self._in_thread(self._note, paths, name)
            self._after(name, paths)
            return result

        return call

    def _wrapped_at_once(self, manager: Any, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            paths, cause = self._subject(manager, name, args, kwargs)
            if cause is not None and self._histories.enabled:
                self._keep_at_once(paths[-1], cause)
            result = original(*args, **kwargs)
            self._note(paths, name)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._after, name, paths)
            return result

        return call

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _subject(
        self, manager: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[str], Cause | None]:
        """Return the server's contents paths of a call, and what is about to happen to what is at the last one, if anything."""
        found = [self._located(manager, path) for path in _given(name, args, kwargs)]
        paths = [path for path in found if path is not None]
        if not paths or name == "get":
            return paths, None
        here = self._root.folder / paths[-1]
        if name == "delete_file":
            return paths, "delete" if os.path.lexists(here) else None
        state = _state(here)
        if name == "rename_file":  # a manager of files renames over nothing
            return paths, None if state is None or isinstance(manager, FileManagerMixin) else "rename"
        model = args[0] if args else kwargs.get("model", {})
        first = model.get("chunk") in (None, 1) and model.get("type") in ("file", "notebook")
        strange = state is not None and self._seen.get(paths[-1]) != state
        return paths, "overwrite" if first and strange else None

    def _located(self, manager: Any, path: str) -> str | None:
        """Return the server's contents path of a manager's own, which may have another root; None outside the server's."""
        if not isinstance(manager, FileManagerMixin):
            return path
        own: Any = manager
        top = os.path.realpath(own.root_dir)
        if top == str(self._root.folder):
            return path
        full = Path(top, path)
        return self._root.contents_path(Path(os.path.realpath(full.parent)) / full.name)

    def _note(self, paths: list[str], name: str) -> None:
        """Remember how a file is that was just read or saved: a save goes over nothing else then."""
        for path in paths:
            self._seen.pop(path, None)
            state = _state(self._root.folder / path) if name in ("get", "save") else None
            if state is not None:
                self._seen[path] = state
                if len(self._seen) > _MOST:
                    self._seen.popitem(last=False)

    def _keep_at_once(self, path: str, cause: Cause) -> None:
        kept: Future[None] = self._threads.submit(self._keep, path, cause)
        try:
            kept.result(_WAIT_S)
        except TimeoutError:
            return  # it goes on beside the deletion

    def _keep(self, path: str, cause: Cause) -> None:
        try:
            work.keep(self._root, path, cause, whole=False)
        except (JvsError, RequestError, OSError):
            return  # it lies in no repository, or cannot be kept: a person's own work goes on

    def _after(self, name: str, paths: list[str]) -> None:
        if name == "get" or self._loop is None:
            return
        for path in dict.fromkeys(paths):
            task = self._loop.create_task(self._histories.touched(path))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _given(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Return the paths that a method was given, the one that it changes last."""
    if name == "rename_file":
        given = [*args[:2], kwargs.get("old_path"), kwargs.get("new_path")]
    elif name == "save":
        given = [*args[1:2], kwargs.get("path")]
    else:
        given = [*args[:1], kwargs.get("path")]
    return [path.strip("/") for path in given if isinstance(path, str)]


def _state(path: Path) -> _State | None:
    """Return what changes when a file is written; None where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return None if stat.S_ISDIR(found.st_mode) else (found.st_mtime_ns, found.st_size, found.st_ino)


def _by_files(manager: Any) -> list[Any]:
    """Return the managers whose paths are files: a manager itself, or those that a hybrid one is made of; else the manager."""
    if isinstance(manager, FileManagerMixin):
        return [manager]
    held = [*vars(manager).values(), *vars(manager).get("_trait_values", {}).values()]
    held += [each for one in held if isinstance(one, dict) for each in one.values()]
    found = {id(each): each for each in held if isinstance(each, FileManagerMixin)}
    return [*found.values()] or [manager]
