"""The extension: its settings, what it starts with the server, and what it ends with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, Integer, default

from jvs_core import JvsError, Settings
from jvs_jupyter.server import panel
from jvs_jupyter.server.checkpoints import use_checkpoints
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.events import Events
from jvs_jupyter.server.handlers import routes
from jvs_jupyter.server.holding import hold
from jvs_jupyter.server.keeping import Keeper
from jvs_jupyter.server.operations import Operation, Operations
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.reading import Reader
from jvs_jupyter.server.services import Services
from jvs_jupyter.server.session import ServerSession, started_without_lock
from jvs_jupyter.server.timeline.contents import Contents
from jvs_jupyter.server.timeline.histories import Histories
from jvs_jupyter.server.timeline.history import Desk


class JvsServer(ExtensionApp):
    """Snapshots of the workspaces under the server's root folder, over REST."""

    name = "jvs"
    extension_url = "/jvs/api/v1"
    load_other_extensions = True

    reading_threads = Integer(8, min=1, max=64, help="Threads that answer requests.").tag(config=True)
    writing_threads = Integer(4, min=1, max=64, help="Threads that take and restore snapshots.").tag(
        config=True
    )
    queue_limit = Integer(
        100, min=1, help="How many operations can wait or run at a time; the server refuses more."
    ).tag(config=True)
    operations_kept = Integer(200, min=1, help="How many finished operations the server remembers.").tag(
        config=True
    )
    answer_within_s = Float(
        10.0,
        min=0.0,
        help="How long a short request waits for its result, before it returns an operation instead.",
    ).tag(config=True)
    lock_idle_s = Float(
        1800.0, min=0.1, help="Release a kept lock after this time without a request on its worktree."
    ).tag(config=True)
    enclosing_repository = Bool(
        True,
        help="""Use the repository around the server's root folder too, if the root is in one of its worktrees.
        The server then writes to its control folder outside the root, and can read the snapshots of its other
        worktrees.""",
    ).tag(config=True)
    hold_lock = Bool(
        False,
        help="""Hold the lock of the worktree around the server's root folder as long as the server runs. If its
        session already holds the lock, as a hub hands it over, the server renews it.""",
    ).tag(config=True)

    timeline = Bool(
        True,
        help="""Keep an automatic history of every worktree that this server works in: snapshots after saves and other changes,
        and copies of files before they are deleted or overwritten. A repository's configuration can turn it off, too.""",
    ).tag(config=True)
    checkpoints = Bool(
        help="""Keep Jupyter's checkpoints as snapshots, unless a checkpoints_class is configured. As timeline when not set.""",
    ).tag(config=True)

    _holding: asyncio.Task[None] | None = None

    @default("checkpoints")
    def _as_the_timeline(self) -> bool:
        return bool(self.timeline)

    def initialize_settings(self) -> None:
        """Start what the handlers share."""
        self._undo = ExitStack()
        session = self._undo.enter_context(ServerSession())
        settings = replace(Settings.from_environment(), session=session)
        root = Root(Path(os.path.abspath(self._root_folder())), settings, self.enclosing_repository)
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
        desk = Desk(
            look=self._apart,
            turn=lambda place: operations.in_turn((place.repository.root, place.worktree)),
            tell=events.changed,
            log=self.log,
        )
        histories = Histories(
            desk,
            place_of=lambda path: call(root.place, path),
            call=call,
            awake=self.serverapp.web_app.last_activity,
            enabled=self.timeline,
        )
        self.services = Services(
            root,
            operations,
            keeper,
            events,
            readers,
            Reader(),
            Reader(),
            self.answer_within_s,
            histories,
            started_without_lock(),
        )
        self.settings["jvs_services"] = self.services
        self._contents = Contents(self.serverapp.contents_manager, root, histories)
        if self.checkpoints:
            use_checkpoints(self.serverapp.contents_manager)

    async def _apart(self, *args: Any) -> Any:
        return await self.services.apart(*args)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Begin the automatic history, and to hold the root's lock, where that is asked for."""
        if told := panel.missing(serverapp.extension_manager.extensions):
            self.log.warning(told)
        self._contents.install()
        await self.services.histories.start()
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
        self._contents.remove()
        await self.services.histories.stop()
        await self.services.operations.close()
        await self.services.keeper.close()
        self.services.readers.shutdown()
        self.services.reader.close()
        self.services.writer.close()
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
        "adopt": ("repository", "snapshots"),
        "put_back": ("content",),
        "restore": ("worktrees",),
        "worktree_create": ("worktrees",),
        "worktree_remove": ("worktrees",),
        "restore_path": ("content", "snapshots"),
        "restore_inplace": ("content", "snapshots"),
        "undo": ("content", "snapshots"),
        "redo": ("content", "snapshots"),
        "snapshot": ("snapshots",),
        "reproduce": ("runs", "snapshots"),
    }
    for what in changed[operation.kind]:
        events.change(
            what,  # type: ignore[arg-type]  # the table above holds nothing else
            repo_id=repo_id,
            worktree=subject.worktree,
            worktree_path=subject.worktree_path,
        )


def _lock_gone(events: Events, place: Place) -> None:
    events.changed("locks", place)
