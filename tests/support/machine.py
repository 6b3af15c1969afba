"""A machine with system users of its own, as one thread and what it starts see it; the real one stays as it is.

The thread gets a mount namespace. There, ``/etc/passwd`` and ``/etc/group`` are copies with the test's users in them,
and folders that other users may not pass through (root's home, say, with the interpreter in it) are covered by empty
ones that hold only what is needed. Everything of it is gone with the last process that was started there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from jvs_jupyter.hub import warm
from tests.support.ledger import mount_points

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[2]
_NEW_MOUNTS = 0x20000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_LAZY = 2
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class SystemUser:
    """A user of the test's machine, with a group of its own (of the same number), and in the group ``team`` or not."""

    name: str
    uid: int
    in_team: bool = True


@dataclass(frozen=True)
class Machine:
    """What the test's processes see: ``users``, each with a home in ``folder``, and a group ``team``."""

    folder: Path
    users: tuple[SystemUser, ...]
    team: int
    thread: ThreadPoolExecutor

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function there; processes that it starts stay there, threads too."""
        return self.thread.submit(function, *args, **kwargs).result()

    def home(self, user: SystemUser) -> Path:
        """Return a user's home."""
        return self.folder / "home" / user.name


@contextlib.contextmanager
def machine(folder: Path, users: tuple[SystemUser, ...], *, team: int) -> Iterator[Machine]:
    """Give the block a machine whose users can reach ``folder``, this interpreter and JVS, and nothing else of root's.

    Needs root, and the right to mount: without it the test is skipped, or fails on CI.
    """
    with ThreadPoolExecutor(1) as thread:
        made = Machine(folder, users, team, thread)
        try:
            made.run(_enter, made)
        except PermissionError as error:
            reason = f"a private view of the machine needs root and the right to mount: {error}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        try:
            yield made
        finally:
            warm.end_idle()  # what was started there keeps its mounts


def _enter(machine: Machine) -> None:
    _checked(_libc.unshare(_NEW_MOUNTS), "unshare")
    _mount("none", "/", _RECURSIVE | _PRIVATE)
    _let_go(Path(tempfile.gettempdir()).resolve(), machine.folder)
    _open_ways([machine.folder, *_interpreter(), ROOT])
    _add_users(machine)


def _interpreter() -> set[Path]:
    """Return the folders without which this interpreter does not run."""
    real = Path(os.path.realpath(sys.executable)).parents[1]
    return {Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve(), real}


def _let_go(folder: Path, needed: Path) -> None:
    """Unmount what other tests have mounted, so that this view does not keep it alive when they are done."""
    for mounted in sorted(mount_points(), reverse=True):
        if mounted.is_relative_to(folder) and mounted != folder and not needed.is_relative_to(mounted):
            _checked(_libc.umount2(os.fsencode(mounted), _LAZY), f"unmounting {mounted}")


def _open_ways(places: Iterable[Path]) -> None:
    """Let everybody pass to ``places``: cover the first closed folder on each way, and bind the place back."""
    ways = {place: closed for place in places if (closed := _first_closed(place)) is not None}
    kept = {place: os.open(place, os.O_PATH | os.O_DIRECTORY) for place in ways}
    for closed in set(ways.values()):
        _mount("tmpfs", closed, 0, kind="tmpfs", data="mode=0755")
    for place in sorted(ways):  # what lies in another comes after it
        place.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{kept[place]}", place, _BIND | _RECURSIVE)
        os.close(kept[place])


def _first_closed(place: Path) -> Path | None:
    return next((one for one in reversed(place.parents) if not one.stat().st_mode & 0o001), None)


def _add_users(machine: Machine) -> None:
    records = machine.folder / "etc"
    records.mkdir()
    names = ",".join(user.name for user in machine.users if user.in_team)
    people = "".join(
        f"{user.name}:x:{user.uid}:{user.uid}::{machine.home(user)}:/bin/sh\n" for user in machine.users
    )
    groups = "".join(f"{user.name}:x:{user.uid}:\n" for user in machine.users)
    for name, lines in (("passwd", people), ("group", f"team:x:{machine.team}:{names}\n{groups}")):
        real = Path("/etc", name)
        (records / name).write_text(lines + real.read_text())
        _mount(records / name, real, _BIND)
    for user in machine.users:
        machine.home(user).mkdir(mode=0o700, parents=True)
        os.chown(machine.home(user), user.uid, user.uid)


def _mount(source: Path | str, target: Path | str, flags: int, *, kind: str = "", data: str = "") -> None:
    words = [os.fsencode(word) for word in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), data.encode()), f"mounting {target}")


def _checked(status: int, what: str) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
