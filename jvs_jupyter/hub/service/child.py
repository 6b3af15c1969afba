"""Asking ``jvs`` from the service: in a process with the rights of whom it concerns, in a thread, bounded in time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jvs_jupyter.hub import command
from jvs_jupyter.hub.command import ask
from jvs_jupyter.hub.looking import Report, Reporting
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.provision import shown

NOBODY = "jvs-service"
LOOK_S = 30.0
WORK_S = 600.0
_THREADS = ThreadPoolExecutor(8, "jvs")


@dataclass(frozen=True)
class Place:
    """Where a command works, and with whose rights; without a worktree in the repository's ``main``."""

    repository: Path
    owner: Owner
    worktree: str | None = None


async def run(place: Place, *words: str, admin: str, seconds: float = LOOK_S) -> Any:
    """Run a command of ``jvs`` with the rights of the place's owner and return its answer; logs name ``admin``.

    Raises Refused, also where it takes longer than ``seconds``. The answer is input.
    """
    at = () if place.worktree is None else ("--worktree", place.worktree)
    work = partial(ask, place.repository, *at, *words, owner=place.owner, actor=shown(admin), seconds=seconds)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


async def report(place: Place, *, seconds: float = LOOK_S) -> Report:
    """Return what the people of a repository have, asked with the rights of the place's owner. Raises Refused as ``run``."""
    asked = partial(
        command.work, place.repository, "report", Reporting(repository=str(place.repository)), Report,
        owner=place.owner, actor=NOBODY, seconds=seconds,
    )  # fmt: skip
    return await asyncio.get_running_loop().run_in_executor(_THREADS, asked)
