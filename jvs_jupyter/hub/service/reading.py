"""What the pages ask of JVS, each answer checked before it is believed."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from jvs_jupyter.hub import shelf
from jvs_jupyter.hub.command import Refused, no_answer
from jvs_jupyter.hub.names import DIGITS
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.roster import archived_person
from jvs_jupyter.hub.service.child import Place, run
from jvs_jupyter.hub.service.sites import Site, no_worktree, ours, read_rows
from jvs_jupyter.hub.service.survey import Row, Survey

_SNAPSHOT = re.compile(r"[0-9]{1,20}-[0-9a-f]{8}")
_BESIDE = re.compile(r"-(until|restored)-[0-9A-Za-z-]+")


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Taken(_Answer):
    """A snapshot."""

    snapshot_id: str
    created_at: str
    note: str
    tags: list[str]
    files: int
    bytes: int
    holder_id: str


class Pin(_Answer):
    """What keeps a snapshot."""

    pin_id: str
    snapshot_id: str
    reason: str


class File(_Answer):
    """An entry of a snapshot's folder."""

    path: str
    type: str
    size: int
    mtime: str | None = None


class Template(_Answer):
    """A ref that worktrees can start from."""

    name: str
    created_at: str


class _Listed(_Answer):
    name: str
    lock_state: str


@dataclass(frozen=True)
class Beside:
    """What stands beside a person's worktrees: put aside by a reset, restored from a snapshot, or made by the user.

    A ``home`` is a whole repository that a reset put aside.
    """

    name: str
    kind: str
    in_use: bool = False
    home: bool = False


async def place(site: Site, survey: Survey, user: str, worktree: str) -> Place:
    """Return where a worktree of a user is, one that stands beside too. Raises Refused."""
    row = await survey.row(user)
    mine = [] if row is None else [one.worktree for one in row.has]
    if worktree not in mine and not (site.homes or any(stands_beside(name, worktree) for name in mine)):
        raise no_worktree(user, worktree)
    return site.place(user, worktree)


async def snapshots(place: Place, admin: str, *, first: int, most: int) -> tuple[list[Taken], dict[str, Pin]]:
    """Return a worktree's snapshots from the ``first`` newest on, one more than ``most``, and the pins. Raises Refused."""
    history, pins = await asyncio.gather(
        run(place, "history", "--limit", str(first + most + 1), admin=admin),
        run(place, "gc", "pins", admin=admin),
    )
    who = place.repository.name
    taken = read_rows(history, Taken.model_validate, who)[first:]
    return taken, {pin.snapshot_id: pin for pin in read_rows(pins, Pin.model_validate, who)}


async def snapshot(place: Place, admin: str, wanted: str) -> Taken:
    """Return one snapshot. Raises Refused."""
    try:
        return Taken.model_validate(await run(place, "show", "--", known(wanted), admin=admin))
    except ValidationError:
        raise no_answer(place.repository.name) from None


async def files(place: Place, admin: str, wanted: str, path: str) -> list[File]:
    """Return a folder of a snapshot, folders first. Raises Refused."""
    answer = await run(place, "ls", "--", known(wanted), *([path] if path else []), admin=admin)
    found = read_rows(answer, File.model_validate, place.repository.name)
    return sorted(found, key=lambda one: (one.type != "directory", one.path.casefold()))


async def templates(site: Site, admin: str) -> list[Template]:
    """Return what a worktree can start from, the newest first. Raises Refused."""
    found = read_rows(
        await run(ours(site.root), "ref", "list", admin=admin), Template.model_validate, "the repository"
    )
    return sorted(found, key=lambda one: one.created_at, reverse=True)


async def newest(site: Site, admin: str) -> Taken | None:
    """Return the snapshot that worktrees start from where no other is chosen; None: there is none yet. Raises Refused."""
    main = replace(ours(site.root), worktree="main")
    history = await run(main, "history", "--limit", "1", admin=admin)
    return next(iter(read_rows(history, Taken.model_validate, "the repository")), None)


def archived(site: Site) -> list[str]:
    """Return the users of whom a home is archived, as the hub's own record has them; a team's are found by name only."""
    if site.homes is None:
        return []
    return sorted({archived_person(site.homes, home.name).user for home in shelf.archived(site.homes)})


async def beside(site: Site, row: Row, admin: str) -> list[Beside]:
    """Return what stands beside a user's worktrees. Raises Refused."""
    mine = [one.worktree for one in row.has]
    where = ours(site.root) if site.homes is None else site.place(row.user, None)
    listed = read_rows(await run(where, "worktree", "list", admin=admin), _Listed.model_validate, row.user)
    found = [
        Beside(one.name, _kind(one.name), one.lock_state == "held")
        for one in listed
        if one.name not in mine
        and (site.homes is not None or any(stands_beside(name, one.name) for name in mine))
    ]
    if site.homes is None:
        return found
    home = site.place(row.user, None).repository.name
    names = await asyncio.to_thread(aside, site.homes, home)
    return [*found, *(Beside(name, _kind(name), home=True) for name in names)]


def aside(folder: Path, home: str) -> list[str]:
    """Return the names of the repositories that a reset of a home put aside.

    Where the home is a system user's own, also those of a name that it had before: all that is that user's.
    """
    owner = Owner.of(folder / home)

    def is_theirs(path: Path) -> bool:
        return path.name.startswith(f"{home}-until-") or (
            bool(_BESIDE.search(path.name)) and owner.uid != os.geteuid() and Owner.of(path) == owner
        )

    return sorted(path.name for path in folder.iterdir() if is_theirs(path))


def stands_beside(worktree: str, other: str) -> bool:
    """Return whether ``other`` was put aside from, or restored beside, a worktree; long names lose their beginning."""
    end = worktree[-DIGITS:]
    before, found, after = other.rpartition(end)
    return bool(found) and worktree.endswith(before + end) and bool(_BESIDE.fullmatch(after))


def known(snapshot_id: str) -> str:
    """Return a snapshot's id. Raises Refused for anything else."""
    if not _SNAPSHOT.fullmatch(snapshot_id):
        raise Refused("E_SNAPSHOT_NOT_FOUND", "there is no such snapshot", None, 3)
    return snapshot_id


def _kind(name: str) -> str:
    named = _BESIDE.search(name)
    return (
        {"until": "set aside by a reset", "restored": "restored"}[named[1]] if named else "made by the user"
    )


def facts(answer: Any, who: str) -> dict[str, Any]:
    """Return an answer that is an object. Raises Refused."""
    if not isinstance(answer, dict):
        raise no_answer(who)
    return answer
