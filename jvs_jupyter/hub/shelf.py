"""What is out of the way and not gone: archived homes, those that a reset left beside, and what a crash left unfinished."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from jvs_core import JvsError
from jvs_jupyter.hub import homes
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import Owner, require_owner
from jvs_jupyter.hub.roster import archived_person, enter, sync

_DAY_S = 86_400
_DATED = re.compile(r"(?P<home>.+?-?[0-9a-f]{20})-(?:until-)?(?P<date>[0-9]{8}-[0-9]{6})")
_SITE = re.compile(r"\.(?:[A-Za-z0-9-]+-)?[0-9a-f]{20}\.[0-9]+-[0-9]+")


def newest(folder: Path, user: Person) -> Path | None:
    """Return what was archived last of a user, whoever has the name now."""
    found = [one for one in archived(folder) if archived_person(folder, one.name).user == user.user]
    return max(found, key=_date, default=None)


def archived(folder: Path) -> Iterator[Path]:
    """Yield the archived homes."""
    place = folder / homes.ARCHIVE
    if place.is_dir():
        yield from (one for one in place.iterdir() if _DATED.fullmatch(one.name))


def put_back(folder: Path, user: Person, kept: Path, present: Path | None) -> Path | None:
    """Give an archived home its place as that of ``user``; return where what was there until now stays.

    Raises LockConflict while a server runs there, AlreadyExists when the home is not the system user's of that name.
    """
    owner = Owner.to_become(user.user)
    if owner is not None:
        require_owner(
            kept,
            owner,
            hint=f"if {user.user} has another uid now: check the folder, then run chown -R -h on it as root",
        )
    aside = None
    if present is not None:
        homes.require_free(present)
        aside = folder / f"{present.name}-until-{homes.now()}"
        os.rename(present, aside)
    os.rename(kept, folder / worktree_name(user))
    enter(folder, user, None)
    sync(folder)
    return aside


def old(folder: Path, days: int) -> list[Path]:
    """Return what has been archived, or lies beside after a reset, for more than ``days``; of crashes what is a day old."""
    now = time.time()
    beside = (one for one in folder.iterdir() if "-until-" in one.name and _DATED.fullmatch(one.name))
    found = [one for one in (*archived(folder), *beside) if now - _date(one) > days * _DAY_S]
    sites = [one for one in folder.iterdir() if _SITE.fullmatch(one.name)]
    return sorted([*found, *(one for one in sites if now - one.lstat().st_ctime > _DAY_S)])


def remove_old(folder: Path, days: int, *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Remove those with their users' rights; return their names, and what could not be removed, in words."""
    gone, failed = [], []
    for one in old(folder, days):
        try:
            if not dry_run:
                homes.remove(one)
            gone.append(one.name)
        except (JvsError, Refused, OSError) as error:
            failed.append(f"{one.name}: {error}")
    return gone, failed


def _date(path: Path) -> float:
    found = _DATED.fullmatch(path.name)
    assert found is not None
    return time.mktime(time.strptime(found["date"], "%Y%m%d-%H%M%S")) - time.timezone
