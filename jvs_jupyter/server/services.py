"""What the handlers of one server share: where things are, who works for them, and asking the disk in threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from jvs_core import JvsError, Repository
from jvs_jupyter.server import rows
from jvs_jupyter.server.events import Events
from jvs_jupyter.server.keeping import Keeper
from jvs_jupyter.server.operations import Operations
from jvs_jupyter.server.paths import Place, Root
from jvs_jupyter.server.reading import Reader, is_large

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
    indexing: dict[Path, asyncio.Task[None]] = field(default_factory=dict)

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

    async def indexed(self, place: Place) -> None:
        """Bring the index of changes of the place's repository up to date, a moment at a time: others are read meanwhile."""
        while not await self.look(rows.bring_up_to_date, place):
            pass

    def index_soon(self, place: Place) -> None:
        """Do that later, and tell whoever shows the snapshots."""
        root = place.repository.root
        if root in self.indexing:
            return
        task = asyncio.get_running_loop().create_task(self._index(place), name="jvs-index")
        self.indexing[root] = task
        task.add_done_callback(lambda _: self.indexing.pop(root, None))

    async def _index(self, place: Place) -> None:
        try:
            await self.indexed(place)
        except JvsError:
            return  # whoever asks next is told
        self.events.changed("snapshots", place)

    async def engine(self, repository: Repository) -> str:
        """Return the name of a repository's engine; asking the file system is dear, so the answer serves for a minute."""
        asked_at, name = self.engines.get(repository.root, (0.0, ""))
        if not name or time.monotonic() - asked_at > _ENGINE_S:
            name = (await self.call(repository.initialized)).snapshot_engine
            self.engines[repository.root] = (time.monotonic(), name)
        return name
