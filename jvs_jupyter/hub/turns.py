"""Work for the hub's users in threads, one thread for each user: whose work does not end waits for it alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_AT_ONCE = 64


class Turns:
    """Threads of their own, so that the ones which all of the hub shares are never used up. For one event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "jvs-user")
        self._going: dict[str, Future[Any]] = {}

    async def call(self, user: str, function: Callable[..., T], *args: Any) -> T:
        """Call a function in a thread, once what was called before for the same user has ended, and return what it does.

        Cancelled, it goes on until it ends, and the user's next call waits for that.
        """
        while (before := self._going.get(user)) is not None:
            await asyncio.wait([asyncio.wrap_future(before)])
            self._forget(user, before)
        work = self._threads.submit(partial(function, *args))
        self._going[user] = work
        shown = asyncio.wrap_future(work)
        shown.add_done_callback(lambda _: self._forget(user, work))
        return await asyncio.shield(shown)

    def _forget(self, user: str, work: Future[Any]) -> None:
        if self._going.get(user) is work:
            del self._going[user]
