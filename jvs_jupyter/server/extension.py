"""The extension: its settings, and what its handlers share."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, Integer

from jvs_core import JvsError, Repository, Settings
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.events import Events
from jvs_jupyter.server.handlers import routes
from jvs_jupyter.server.holding import hold
from jvs_jupyter.server.keeping import Keeper
from jvs_jupyter.server.operations import Operation, Operations
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.reading import Reader, is_large
from jvs_jupyter.server.session import ServerSession

P = ParamSpec("P")
T = TypeVar("T")

_ENGINE_S = 60.0


@dataclass(frozen=True)
class Services:
    """What the handlers of one server share."""

    root: Root
    operations: Operations
    keeper: Keeper
    events: Events
    readers: ThreadPoolExecutor
    reader: Reader
    answer_within_s: float
    engines: dict[Path, tuple[float, str]] = field(default_factory=dict)

    async def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a short function that touches the disk in a reading thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.readers, partial(function, *args, **kwargs))

    async def look(
        self,
        function: Callable[Concatenate[Root, str, P], T],
        place: Place,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call a function of root and path that looks a whole worktree over: in a thread, a large one in a process."""
        if await self.call(is_large, place):
            return await self.reader.run(function, place.root, place.path, *args, **kwargs)
        return await self.call(function, place.root, place.path, *args, **kwargs)

    async def engine(self, repository: Repository) -> str:
        """Return the name of a repository's engine; asking the file system is dear, so the answer serves for a minute."""
        asked_at, name = self.engines.get(repository.root, (0.0, ""))
        if not name or time.monotonic() - asked_at > _ENGINE_S:
            name = (await self.call(repository.initialized)).snapshot_engine
            self.engines[repository.root] = (time.monotonic(), name)
        return name


class JvsServer(ExtensionApp):
    """Snapshots of the workspaces under the server's root folder, over REST."""

    name = "jvs"
    extension_url = "/jvs/api/v1"
    load_other_extensions = True

    reading_threads = Integer(8, min=1, max=64, help="Threads that answer questions.").tag(config=True)
    writing_threads = Integer(4, min=1, max=64, help="Threads that take and restore snapshots.").tag(
        config=True
    )
    queue_limit = Integer(
        100, min=1, help="How many operations may wait or run at a time; more are refused."
    ).tag(config=True)
    operations_kept = Integer(200, min=1, help="How many finished operations are remembered.").tag(
        config=True
    )
    answer_within_s = Float(
        10.0,
        min=0.0,
        help="How long a request that is usually short waits for its result, before it names an operation instead.",
    ).tag(config=True)
    lock_idle_s = Float(
        1800.0, min=0.1, help="Give a kept lock back after this long without a request on its worktree."
    ).tag(config=True)
    enclosing_repository = Bool(
        True,
        help="""Use the repository around the server's root folder too, when the root lies in one of its worktrees.
        Its control folder is then written to outside the root, and its other worktrees' snapshots can be read.""",
    ).tag(config=True)
    hold_lock = Bool(
        False,
        help="""Hold the lock of the worktree that the server's root folder lies in as long as the server runs.
        A lock that its session holds already, as a hub hands it over, is taken on and renewed.""",
    ).tag(config=True)

    _holding: asyncio.Task[None] | None = None

    def initialize_settings(self) -> None:
        """Start what the handlers share."""
        self._undo = ExitStack()
        session = self._undo.enter_context(ServerSession())
        settings = replace(Settings.from_environment(), session=session)
        root = Root(Path(os.path.realpath(self._root_folder())), settings, self.enclosing_repository)
        assert self.serverapp is not None
        events = Events(self.serverapp.event_logger)
        readers = ThreadPoolExecutor(self.reading_threads, thread_name_prefix="jvs-read")
        operations = Operations(
            threads=self.writing_threads,
            queue=self.queue_limit,
            kept=self.operations_kept,
            tell=lambda operation: _tell(events, operation),
            log=self.log,
        )

        async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return await self.services.call(function, *args, **kwargs)

        keeper = Keeper(idle_s=self.lock_idle_s, call=call, changed=lambda place: _lock_gone(events, place))
        self.services = Services(root, operations, keeper, events, readers, Reader(), self.answer_within_s)
        self.settings["jvs_services"] = self.services

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Begin to hold the root's lock, where that is asked for."""
        if self.hold_lock:
            self._holding = asyncio.get_running_loop().create_task(self._hold(), name="jvs-hold")

    async def _hold(self) -> None:
        try:
            await hold(self.services.root, self.services.keeper, self.services.call, self.log)
        except (JvsError, RequestError) as error:
            self.log.error("the lock of the root folder is not held: %s", error.message)

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(routes())

    async def stop_extension(self) -> None:
        """End what is under way, give kept locks back."""
        if self._holding is not None:
            self._holding.cancel()
        await self.services.operations.close()
        await self.services.keeper.close()
        self.services.readers.shutdown()
        self.services.reader.close()
        self._undo.close()

    def _root_folder(self) -> str:
        assert self.serverapp is not None
        manager = self.serverapp.contents_manager
        return str(getattr(manager, "root_dir", "") or self.serverapp.root_dir)


def _tell(events: Events, operation: Operation) -> None:
    shown = operation.to_json()
    events.operation(shown)
    subject = operation.subject
    repo_id = shown["repo_id"] or (operation.result or {}).get("repo_id")
    if operation.state not in ("done", "failed") or repo_id is None:
        return
    changed = {
        "init": ("repository",),
        "restore": ("worktrees",),
        "worktree_create": ("worktrees",),
        "worktree_remove": ("worktrees",),
        "restore_path": ("content", "snapshots"),
        "restore_inplace": ("content", "snapshots"),
        "undo": ("content", "snapshots"),
        "snapshot": ("snapshots",),
    }
    for what in changed[operation.kind]:
        events.change(
            what,  # type: ignore[arg-type]  # the table above holds nothing else
            repo_id=repo_id,
            worktree=subject.worktree,
            worktree_path=subject.worktree_path,
        )


def _lock_gone(events: Events, place: Place) -> None:
    events.change(
        "locks",
        repo_id=place.repository.initialized().repo_id,
        worktree=place.worktree,
        worktree_path=place.worktree_path,
    )
