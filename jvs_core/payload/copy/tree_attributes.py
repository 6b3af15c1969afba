"""Giving what is in a tree the owners, modes and times of its entries, after its content is complete."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from jvs_core.payload.copy.transfer import attribute_losses
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.authority import entries_granted, with_owners
from jvs_core.payload.tree.entry import FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split


def folder_times(target: Path, entries: Sequence[Entry], touched: set[bytes]) -> None:
    """Give the folders ``touched`` the times of their entries again."""
    if touched:
        restore(target, [entry for entry in entries if entry.kind == FOLDER and entry.path in touched])


def restore(target: Path, entries: Sequence[Entry]) -> None:
    """Give owner, mode and time of ``entries`` to what is at their paths in ``target``, as far as it is there."""
    with Folders(target) as folders:
        for entry in entries:
            try:
                if not entry.path:
                    if os.geteuid() == 0:  # the clone's top has the owner of the payload's
                        os.fchown(folders.top, entry.uid, entry.gid)
                    os.fchmod(folders.top, entry.mode)
                    os.utime(folders.top, ns=(entry.mtime_ns, entry.mtime_ns))
                    continue
                folder, name = split(entry.path)
                mode = None if entry.kind == SYMLINK else entry.mode
                attributes.apply_to_name(folders.at(folder), name, mode, entry.uid, entry.gid, entry.mtime_ns)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, entry.path) from error


def give_rights(target: Path, entries: Sequence[Entry], moved: Sequence[Entry], payload: Path) -> list[str]:
    """Give a clone ``target`` of the whole ``payload`` the owners, modes and times it can have; return the losses.

    ``moved`` are the entries whose attributes in the payload are not as the manifest has them.
    """
    granted, lines = entries_granted(entries, {}, payload)
    if granted is entries:
        own, lost = with_owners(moved)
        restore(target, own)
        return [*lines, *lost, *dress(target, own)]
    pairs = zip(entries, granted, strict=True)
    wanted = {entry.path for entry in moved}
    own, lost = with_owners([new for old, new in pairs if old.path in wanted or old != new])
    restore(target, own)
    withdraw(target, entries, granted)
    return [*lines, *lost, *dress(target, [entry for entry in own if entry.path in wanted])]


def dress(target: Path, entries: Sequence[Entry]) -> list[str]:
    """Leave those of the ``entries`` in ``target`` no extended attributes but their own; return what could not be kept."""
    refused: list[bytes] = []
    drifted: list[bytes] = []
    with Folders(target) as folders:
        for entry in entries:
            if entry.kind == SYMLINK:
                continue
            try:
                found = attributes.read_xattrs(attributes.at(folders, entry.path))
                kept, strange = attributes.kept_as(found, entry.mode, entry.xattrs)
                if strange:
                    drifted.append(entry.path)
                if kept != attributes.with_mode(found, entry.mode):
                    with attributes.handle(folders, entry.path) as handle:
                        if attributes.apply_to_handle(handle, entry.mode, entry.uid, entry.gid, kept):
                            refused.append(entry.path)
            except OSError as error:
                raise translate(error, entry.path) from error
    return attribute_losses(refused, drifted)


def withdraw(target: Path, entries: Sequence[Entry], granted: Sequence[Entry]) -> None:
    """Take the capabilities from those files of ``target``, a clone of ``entries``, that are ``granted`` none.

    Before anybody can reach it: ``target`` is hidden, or private, until then.
    """
    with Folders(target) as folders:
        for was, now in zip(entries, granted, strict=True):
            if was.xattrs != now.xattrs:
                folder, name = split(now.path)
                try:
                    os.removexattr(
                        attributes.below(folders.at(folder), name),
                        attributes.CAPABILITY,
                        follow_symlinks=False,
                    )
                except OSError as error:
                    if error.errno not in (*GONE, errno.ENODATA, *attributes.NO_XATTRS):
                        raise translate(error, now.path) from error
