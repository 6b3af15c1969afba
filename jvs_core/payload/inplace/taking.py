"""Replacing and removing files in a worktree without losing what somebody saves there at the same time.

What stood at a name is taken out in one step and looked at: it goes back where it is not what was seen, and is kept
under a temporary name to the end otherwise, since a program that had it open may still write to it.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from jvs_core import renames
from jvs_core.faults import not_exchangeable
from jvs_core.payload.copy.put import temporary_name
from jvs_core.payload.tree.entry import printable
from jvs_core.payload.tree.faults import GONE
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import LEFT_OUT

_LONGEST_NAME = 255

State = TypeVar("State")


class Taken(NamedTuple):
    """What was taken out of ``path``: its temporary name ``kept``, its state, and that of what was put there instead."""

    path: bytes
    kept: bytes
    state: FileState
    instead: FileState | None


@dataclass(frozen=True)
class Swap(Generic[State]):
    """What has the temporary name ``made`` in a folder, for the place of what has the ``name`` there: files, or trees.

    ``is_made`` says whether what has a name is what was made, written to by nobody since; ``look`` returns the state of
    what was at ``name``, None where it is not as it was seen; ``drop`` deletes what was made.
    """

    folder: int
    name: bytes
    made: bytes
    is_made: Callable[[bytes], bool]
    look: Callable[[bytes], State | None]
    drop: Callable[[bytes], object]

    def carry_out(self, *, there: bool) -> State | None:
        """Let the two change places, and return the state of what has the temporary name now, None for nothing.

        ``there``: something was seen at ``name``. Raises Overtaken where that is another by now; it stands at its name
        then, and what was made is gone.
        """
        try:
            if not _exchange(self.folder, self.made, self.name, there=there):
                return None
            if self.is_made(self.made):  # another name of the same file
                self.drop(self.made)
                return None
            found = self.look(self.made)
            if found is None:
                self.put_back()
                raise Overtaken
        except BaseException:
            with suppress(OSError):
                if self.is_made(self.made):
                    self.drop(self.made)
            raise
        return found

    def put_back(self) -> None:
        """Let the two change back, and drop what was made; what was saved at ``name`` meanwhile stays there.

        Then what was there before gets a name of its own beside it.
        """
        while self.is_made(self.name):
            if not renames.exchange((self.folder, self.made), (self.folder, self.name)):
                self.drop(self.name)
                break
            if self.is_made(self.made):
                self.drop(self.made)
                return
            renames.exchange((self.folder, self.made), (self.folder, self.name))  # saved in between
        _return(self.folder, self.name, self.made)


class Overtaken(Exception):
    """Something stands at a name that was not there, or not so, when it was seen. It was left, or put back."""


def is_overtaken(folder: int, name: bytes, seen: FileState | None) -> bool:
    """Return whether something stands at ``name`` that was not there, or not so, when ``seen`` was.

    What is gone, and sockets and devices, which nobody keeps, count as seen; a repository does not.
    """
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return _differs(now, seen)


def replace(folder: int, name: bytes, temporary: bytes, path: bytes, seen: FileState | None) -> Taken | None:
    """Give what is called ``temporary`` the name of what was ``seen``, and return what was taken out, if anything.

    Raises Overtaken; ``temporary`` is gone then.
    """
    made = _state(os.stat(temporary, dir_fd=folder, follow_symlinks=False))
    swap = _swap(folder, name, temporary, made, seen)
    if is_overtaken(folder, name, seen):
        swap.drop(temporary)
        raise Overtaken
    out = swap.carry_out(there=seen is not None)
    return None if out is None else Taken(path, temporary, out, made)


def _swap(
    folder: int, name: bytes, temporary: bytes, made: FileState, seen: FileState | None
) -> Swap[FileState]:
    def is_made(called: bytes) -> bool:
        try:
            now = os.stat(called, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (now.st_dev, now.st_ino) == made[:2] and (now.st_nlink > 1 or made.is_still(now))

    def look(called: bytes) -> FileState | None:
        now = os.stat(called, dir_fd=folder, follow_symlinks=False)
        return None if _differs(now, seen, renamed=True) else _state(now)

    return Swap(folder, name, temporary, is_made, look, lambda called: os.unlink(called, dir_fd=folder))


def remove(folder: int, name: bytes, path: bytes, seen: FileState | None) -> Taken | None:
    """Take away what was ``seen`` at ``name``, and return it; None where it is gone. Raises Overtaken."""
    if is_overtaken(folder, name, seen):
        raise Overtaken
    kept = temporary_name()
    try:
        renames.rename_new((folder, name), (folder, kept))
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
    if taken.instead is None:
        _return(parent, name, taken.kept)
    else:
        _swap(parent, name, taken.kept, taken.instead, None).put_back()


def _exchange(folder: int, temporary: bytes, name: bytes, *, there: bool) -> bool:
    """Put ``temporary`` in the place of ``name``, which is ``temporary`` then; return False where there was nothing."""
    for _ in range(100):  # an editor may remove and make the name again and again
        if not there:
            try:
                renames.rename_new((folder, temporary), (folder, name))
                return False
            except FileExistsError:
                pass
        try:
            if renames.exchange((folder, temporary), (folder, name)):
                return True
            return _exchange_by_turns(folder, temporary, name)
        except FileNotFoundError:
            there = False
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise not_exchangeable(printable(name)) from error
            raise
    raise Overtaken


def _exchange_by_turns(folder: int, temporary: bytes, name: bytes) -> bool:
    """Do what ``_exchange`` does on file systems without an exchange; for a moment nothing has the name."""
    aside = temporary_name()
    renames.rename_new((folder, name), (folder, aside))
    try:
        renames.rename_new((folder, temporary), (folder, name))
    except FileExistsError:
        _return(folder, name, aside)
        raise Overtaken from None
    renames.rename_new((folder, aside), (folder, temporary))
    return True


def _return(folder: int, name: bytes, kept: bytes) -> None:
    """Give ``kept`` the name ``name`` again, or one like it where something has that by now."""
    try:
        renames.rename_new((folder, kept), (folder, name))
    except FileExistsError:
        suffix = b".jvs-kept-" + secrets.token_hex(4).encode()
        renames.rename_new((folder, kept), (folder, name[: _LONGEST_NAME - len(suffix)] + suffix))


def _differs(now: os.stat_result, seen: FileState | None, *, renamed: bool = False) -> bool:
    if stat.S_IFMT(now.st_mode) in LEFT_OUT:
        return False
    if seen is None:
        return True
    return not (seen._replace(ctime_ns=-1) if renamed else seen).is_still(now)


def _state(now: os.stat_result) -> FileState:
    return FileState(now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, -1)
