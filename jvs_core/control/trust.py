"""Trust: whether the caller allowed the owner of a repository, asked before anything in ``.jvs`` is read.

What is in ``.jvs`` is carried out with the caller's rights. So it belongs to the caller or to root, or the caller said
that its owner is trusted there; root believes nobody but root.
"""

from __future__ import annotations

import json
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jvs_core import files, regular
from jvs_core import settings as environment
from jvs_core.control.lock import critical
from jvs_core.errors import DescriptorCorrupt, InputError, NotARepository, UntrustedRepository
from jvs_core.faults import storage_error
from jvs_core.settings import Settings

_LIST = "trusted.json"
_LOCK = "trusted.lock"
_LONGEST_LIST = 1 << 20
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Trusted:
    """A folder whose repository the caller trusts while its ``.jvs`` belongs to the user ``uid``."""

    path: str
    uid: int

    def to_json(self) -> dict[str, Any]:
        """Return path and uid."""
        return asdict(self)


def require(root: Path, settings: Settings) -> None:
    """Raise UntrustedRepository unless the caller may believe the ``.jvs`` of the repository at ``root``.

    Nothing in it is read. Raises NotARepository when there is none.
    """
    found = _control(root)
    owner, place = found.st_uid, os.path.realpath(root)
    if owner in (0, os.geteuid()) and _is_at_home(root, found):
        return
    if os.geteuid() != 0 and Trusted(place, owner) in listed(settings):
        return
    import shlex

    if owner in (0, os.geteuid()):
        raise UntrustedRepository(
            f"{os.path.join(place, '.jvs')} can be written by other users, who may have moved it into {place}",
            hint=f"if it belongs there: jvs trust {shlex.quote(place)}"
            if os.geteuid() != 0
            else f"if it belongs there, give {place} the owner, group and mode of .jvs",
            root=place,
            owner=owner,
        )
    hint = f"if you trust what is in it: jvs trust {shlex.quote(place)}"
    if os.geteuid() == 0:
        hint = f"root works only in repositories of root: run it as {owner_name(owner)}"
    raise UntrustedRepository(
        f"{os.path.join(place, '.jvs')} belongs to {owner_name(owner)}, not to you",
        hint=hint,
        root=place,
        owner=owner,
    )


def trust(path: str | os.PathLike[str], *, settings: Settings | None = None) -> Trusted:
    """Trust the repository at ``path`` from now on, for as long as its ``.jvs`` has the same owner.

    Raises NotARepository, InputError (root trusts nobody else).
    """
    settings = settings or environment.from_environment()
    place = Path(os.path.realpath(path))
    owner = _control(place).st_uid
    if os.geteuid() == 0 and owner != 0:
        raise InputError(
            f"root trusts only repositories of root; this one belongs to {owner_name(owner)}",
            hint=f"use the jvs command: if root runs it there, it works as {owner_name(owner)}",
        )
    made = Trusted(str(place), owner)
    with _changing(settings):
        _write(settings, [*(one for one in listed(settings) if one.path != made.path), made])
    return made


def distrust(path: str | os.PathLike[str], *, settings: Settings | None = None) -> list[Trusted]:
    """Remove the repository at ``path`` from the list, even if it no longer exists; return its entry."""
    settings = settings or environment.from_environment()
    place = os.path.realpath(path)
    with _changing(settings):
        known = listed(settings)
        gone = [one for one in known if one.path == place]
        if gone:
            _write(settings, [one for one in known if one.path != place])
    return gone


def trusted(*, settings: Settings | None = None) -> list[Trusted]:
    """Return the repositories of others that the caller trusts, in the order of their paths."""
    return listed(settings or environment.from_environment())


def listed(settings: Settings) -> list[Trusted]:
    """Return what is on the caller's list: nothing where it is damaged, or where somebody else could have written it."""
    try:
        fd = regular.open_regular(settings.config_folder() / _LIST)
    except (OSError, InputError, DescriptorCorrupt):
        return []
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
            return []
        try:
            rows = json.loads(file.read(_LONGEST_LIST))["trusted"]
            return sorted(
                {Trusted(str(row["path"]), int(row["uid"])) for row in rows},
                key=lambda one: (one.path, one.uid),
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []


def believed(settings: Settings | None) -> frozenset[int]:
    """Return the users whom the caller trusts in some repository; for root, none."""
    if settings is None or os.geteuid() == 0:
        return frozenset()
    return frozenset(one.uid for one in listed(settings))


def owner_name(uid: int) -> str:
    """Return how a message calls a user: ``ada (uid 1000)``."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except (KeyError, OSError):
        return f"uid {uid}"


def _is_at_home(root: Path, control: os.stat_result) -> bool:
    """Return whether nobody but trusted people can have moved a ``.jvs`` into ``root``.

    Whoever can write to a folder can rename it into any other: so ``root`` must belong to the owner of ``.jvs``, to
    root or to the caller, and nobody else may be able to write there.
    """
    if not control.st_mode & _OTHERS_WRITE:
        return True
    home = os.stat(root)
    if home.st_uid not in (control.st_uid, 0, os.geteuid()):
        return False
    if home.st_mode & stat.S_IWOTH & ~control.st_mode:
        return False
    return not home.st_mode & stat.S_IWGRP or home.st_gid == control.st_gid


def _control(root: Path) -> os.stat_result:
    """Return the status of a repository's ``.jvs``, which must be a folder and no link to one."""
    control = root / ".jvs"
    try:
        found = files.status(control)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotARepository(
            f"no JVS repository at {root}", hint="give a folder that contains .jvs"
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise UntrustedRepository(
            regular.irregular(control, "folder"), hint="work in the repository itself, where .jvs is a folder"
        )
    return found


@contextmanager
def _changing(settings: Settings) -> Iterator[None]:
    """Lock the list for the block, so that no change of another process is lost."""
    folder = settings.config_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with critical.exclusive(folder / _LOCK, wait_s=10.0, mode=0o600):
            yield
    except OSError as error:
        raise storage_error(error) from error


def _write(settings: Settings, known: list[Trusted]) -> None:
    rows = [one.to_json() for one in sorted(known, key=lambda one: one.path)]
    data = json.dumps({"trusted": rows}, indent=2) + "\n"
    files.write_atomic(settings.config_folder() / _LIST, data.encode("ascii"), mode=0o600)
