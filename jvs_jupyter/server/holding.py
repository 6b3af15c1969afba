"""Holding the lock of the root folder's worktree for the life of a server: for a server whose folder is one worktree."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from jvs_core import JvsError
from jvs_jupyter.server.keeping import Call, Keeper
from jvs_jupyter.server.paths import Root

PURPOSE = "notebook server"
_LOOK_S = 5.0
_PASSING = ("E_LOCK_CONFLICT", "E_NO_SPACE")


async def hold(
    root: Root, keeper: Keeper, call: Call, log: logging.Logger | logging.LoggerAdapter[Any]
) -> None:
    """Take on the lock that the session holds, or take it, and see every few seconds that it is still there.

    While somebody else has it, or there is no space for it, the server works without, and every change asks for the
    lock; each new reason is logged once.

    Raises
    ------
    JvsError
        The root folder lies in no worktree of a repository that the server may use.
    """
    place = await call(root.place, "")
    reason = ""
    while True:
        if not keeper.has(place, place.worktree):
            try:
                await keeper.keep(place, purpose=PURPOSE, wait_s=0, for_good=True)
                reason = ""
            except JvsError as error:
                if error.code not in _PASSING:
                    raise
                if error.message != reason:
                    reason = error.message
                    log.warning("the root folder's lock is not held: %s", reason)
        await asyncio.sleep(_LOOK_S)
