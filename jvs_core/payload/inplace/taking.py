"""Replacing and removing files in a worktree without losing what somebody saves there at the same time.

What stood at a name is taken out in one step and looked at: it goes back where it is not what was seen, and is kept
under a temporary name to the end otherwise, since a program that had it open may still write to it.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from jvs_core import renames
from jvs_core.payload.copy.put import temporary_name
from jvs_core.payload.tree.faults import GONE
from jvs_core.payload.tree.file_state import Seen
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import LEFT_OUT

_Inode = tuple[int, int]
_LONGEST_NAME = 255


class Taken(NamedTuple):
    """What was taken out of ``path``: its temporary name ``kept``, its state, and what stands there now, if anything."""

    path: bytes
    kept: bytes
    state: Seen
    instead: _Inode | None


class Overtaken(Exception):
    """Something stands at a name that was not there, or not so, when it was seen. It was left, or put back."""


def is_overtaken(folder: int, name: bytes, seen: Seen | None) -> bool:
    """Return whether something stands at ``name`` that was not there, or not so, when ``seen`` was.

    What is gone, and sockets and devices, which nobody keeps, count as seen; a repository does not.
    """
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return _differs(now, seen)


def replace(folder: int, name: bytes, temporary: bytes, path: bytes, seen: Seen | None) -> Taken | None:
    """Give what is called ``temporary`` the name of what was ``seen``, and return what was taken out, if anything.

    Raises Overtaken; ``temporary`` is gone then.
    """
    made = os.stat(temporary, dir_fd=folder, follow_symlinks=False)
    mine = made.st_dev, made.st_ino
    try:
        if is_overtaken(folder, name, seen):
            raise Overtaken
        if not _exchange(folder, temporary, name, there=seen is not None):
            return None
        out = os.stat(temporary, dir_fd=folder, follow_symlinks=False)
        if (out.st_dev, out.st_ino) != mine and _differs(out, seen, renamed=True):
            _put_back(folder, name, temporary, mine)
            raise Overtaken
    except BaseException:
        with suppress(OSError):
            if _inode(folder, temporary) == mine:
                os.unlink(temporary, dir_fd=folder)
        raise
    if (out.st_dev, out.st_ino) == mine:  # another name of the same file
        os.unlink(temporary, dir_fd=folder)
        return None
    return Taken(path, temporary, _state(out), mine)


def remove(folder: int, name: bytes, path: bytes, seen: Seen | None) -> Taken | None:
    """Take away what was ``seen`` at ``name``, and return it; None where it is gone. Raises Overtaken."""
    if is_overtaken(folder, name, seen):
        raise Overtaken
    kept = temporary_name()
    try:
        renames.rename_new(folder, name, kept)
    except FileNotFoundError:
        return None
    out = os.stat(kept, dir_fd=folder, follow_symlinks=False)
    if _differs(out, seen, renamed=True):
        _return(folder, name, kept)
        raise Overtaken
    return Taken(path, kept, _state(out), None)


def give_up(folders: Folders, taken: Sequence[Taken]) -> list[bytes]:
    """Delete what was taken out; what was written to since is put back instead, and its paths are returned."""
    written = []
    for each in taken:
        folder, name = split(each.path)
        try:
            parent = folders.at(folder)
            now = os.stat(each.kept, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            if error.errno not in GONE:
                raise
            continue
        if each.state.is_still(now) or stat.S_IFMT(now.st_mode) in LEFT_OUT:
            os.unlink(each.kept, dir_fd=parent)
        else:
            written.append(each.path)
            _restore(parent, name, each)
    return written


def take_back(folders: Folders, taken: Sequence[Taken]) -> None:
    """Put back what was taken out, as far as nobody put something else there; what fails is passed over."""
    for each in reversed(taken):
        folder, name = split(each.path)
        with suppress(OSError):
            _restore(folders.at(folder), name, each)


def _restore(parent: int, name: bytes, taken: Taken) -> None:
    """Put back what was taken out; beside what somebody saved under its name since, under a name of its own."""
    if taken.instead is not None and _inode(parent, name) == taken.instead:
        _put_back(parent, name, taken.kept, taken.instead)
    else:
        _return(parent, name, taken.kept)


def _exchange(folder: int, temporary: bytes, name: bytes, *, there: bool) -> bool:
    """Put ``temporary`` in the place of ``name``, which is ``temporary`` then; return False where there was nothing."""
    for _ in range(100):  # an editor may remove and make the name again and again
        if not there:
            try:
                renames.rename_new(folder, temporary, name)
                return False
            except FileExistsError:
                pass
        try:
            if renames.exchange(folder, temporary, name):
                return True
            return _exchange_by_turns(folder, temporary, name)
        except FileNotFoundError:
            there = False
    raise Overtaken


def _exchange_by_turns(folder: int, temporary: bytes, name: bytes) -> bool:
    """Do what ``_exchange`` does on file systems without an exchange; for a moment nothing has the name."""
    aside = temporary_name()
    renames.rename_new(folder, name, aside)
    try:
        renames.rename_new(folder, temporary, name)
    except FileExistsError:
        _return(folder, name, aside)
        raise Overtaken from None
    renames.rename_new(folder, aside, temporary)
    return True


def _put_back(folder: int, name: bytes, kept: bytes, mine: _Inode) -> None:
    """Exchange ``kept`` and ``name`` back, and delete what is ``mine``; a later save at ``name`` stays there."""
    while _inode(folder, name) == mine:
        if not renames.exchange(folder, kept, name):
            os.unlink(name, dir_fd=folder)
            break
        if _inode(folder, kept) == mine:
            os.unlink(kept, dir_fd=folder)
            return
        renames.exchange(folder, kept, name)  # somebody saved in between
    _return(folder, name, kept)


def _return(folder: int, name: bytes, kept: bytes) -> None:
    """Give ``kept`` the name ``name`` again, or one like it where something has that by now."""
    try:
        renames.rename_new(folder, kept, name)
    except FileExistsError:
        suffix = b".jvs-kept-" + secrets.token_hex(4).encode()
        renames.rename_new(folder, kept, name[: _LONGEST_NAME - len(suffix)] + suffix)


def _differs(now: os.stat_result, seen: Seen | None, *, renamed: bool = False) -> bool:
    if stat.S_IFMT(now.st_mode) in LEFT_OUT:
        return False
    if seen is None:
        return True
    return not (seen._replace(ctime_ns=-1) if renamed else seen).is_still(now)


def _state(now: os.stat_result) -> Seen:
    return Seen(now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, -1)


def _inode(folder: int, name: bytes) -> _Inode | None:
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return now.st_dev, now.st_ino
