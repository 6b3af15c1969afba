"""Replacing and removing files in a worktree without losing what somebody saves there at the same time.

What stood at a name is taken out in one step and then looked at. If it is not what was seen before, it goes back. If it
is, it is kept under a temporary name to the end, since a program that has it open may still write to it.
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
    """A file taken out of ``path``: its temporary name ``kept``, its state, and the state of what replaced it."""

    path: bytes
    kept: bytes
    state: FileState
    instead: FileState | None


@dataclass(frozen=True)
class Swap(Generic[State]):
    """An exchange of a new file or tree, under the temporary name ``made``, with what stands at ``name`` in a folder.

    ``is_made`` says whether the new one has a given name and nobody wrote to it since. ``look`` returns the state of
    the old one at a given name, None where it changed since it was seen. ``drop`` deletes the new one.
    """

    folder: int
    name: bytes
    made: bytes
    is_made: Callable[[bytes], bool]
    look: Callable[[bytes], State | None]
    drop: Callable[[bytes], object]

    def carry_out(self, *, there: bool) -> State | None:
        """Exchange the two names, and return the state of the old one, which has the temporary name now; None for none.

        ``there``: something was seen at ``name``. Raises Overtaken where that changed; it stands at its name again
        then, and the new one is gone.
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
        """Exchange the two names back, and delete the new one.

        What somebody saved at ``name`` meanwhile stays there; the old one gets a name of its own beside it then.
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
    """A file was made or changed since it was seen. It was left alone, or put back."""


def is_overtaken(folder: int, name: bytes, seen: FileState | None) -> bool:
    """Return whether a file at ``name`` was made or changed since its state was ``seen``.

    A name that is gone is not overtaken, nor are sockets and devices, which no snapshot keeps; a repository is.
    """
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return _differs(now, seen)


def replace(folder: int, name: bytes, temporary: bytes, path: bytes, seen: FileState | None) -> Taken | None:
    """Rename ``temporary`` to ``name``, where a file was ``seen`` or none; return what was taken out, if anything.

    Raises Overtaken; ``temporary`` is deleted then.
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
    """Take the file that was ``seen`` out of ``name``, and return it; None where it is gone. Raises Overtaken."""
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
    """Delete what was taken out; put back the files that were written to since, and return their paths."""
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
    """Put back all that was taken out, as far as possible; errors are ignored."""
    for each in reversed(taken):
        folder, name = split(each.path)
        with suppress(OSError):
            _restore(folders.at(folder), name, each)


def _restore(parent: int, name: bytes, taken: Taken) -> None:
    """Put back what was taken out; where somebody saved under its name since, under another name beside that."""
    if taken.instead is None:
        _return(parent, name, taken.kept)
    else:
        _swap(parent, name, taken.kept, taken.instead, None).put_back()


def _exchange(folder: int, temporary: bytes, name: bytes, *, there: bool) -> bool:
    """Exchange ``temporary`` and ``name``; if nothing stands at ``name``, only rename, and return False."""
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
    """Exchange by three renames, on file systems without an exchange; for a moment nothing has the name."""
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
    """Rename ``kept`` to ``name`` again, or to a name like it where that is taken."""
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
