"""Small corrections inside a tree that was cloned as a whole: what the clone could not, or should not, bring over."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core.payload.changes.writeback_time import Moment
from jvs_core.payload.copy.transfer import Item, Outcome, Transfer, attribute_losses
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.authority import entries_granted
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.removal import remove_folder
from jvs_core.payload.tree.walk import Scan
from jvs_core.payload.work.threads import each
from jvs_core.wording import counted


@dataclass
class Amended:
    """What was corrected: the entries as they are now, what changed in the source meanwhile, folders touched."""

    entries: list[Entry]
    changed: set[bytes] = field(default_factory=set)
    degraded: list[str] = field(default_factory=list)
    touched: set[bytes] = field(default_factory=set)

    def add(self, later: Amended) -> None:
        """Take over what was corrected since."""
        self.entries = later.entries
        self.changed |= later.changed
        self.degraded += later.degraded
        self.touched |= later.touched


def bring_again(
    found: Scan,
    target: Path,
    entries: Sequence[Entry],
    positions: Sequence[int],
    *,
    moment: Moment,
    threads: int,
) -> Amended:
    """Replace the files at ``positions`` in ``target`` by what they hold in ``found.root`` now; fsync both.

    ``entries`` are those of ``found``, digests filled in. Of a link group only the first name is brought over.
    """
    amended = Amended(list(entries))
    transfer = Transfer("reflink", moment, durable=True)
    leaders: dict[int, int] = {}
    chosen = [p for p in positions if not (g := entries[p].link_group) or leaders.setdefault(g, p) == p]

    @contextmanager
    def opened() -> Iterator[Callable[[int], Outcome | None]]:
        with Folders(found.root) as sources, Folders(target) as targets:
            yield lambda position: _bring(found, sources, targets, position, transfer)

    unshared = []
    for position, brought in zip(chosen, each(chosen, opened, threads), strict=True):
        path = entries[position].path
        amended.touched.add(split(path)[0])
        if brought is None:
            amended.changed.add(path)
            continue
        amended.entries[position] = entries[position]._replace(
            size=brought.size, xattrs=brought.xattrs, sha256=brought.sha256
        )
        if brought.changed:
            amended.changed.add(path)
        if brought.how == "copy":
            unshared.append(path)
        if brought.refused:
            amended.degraded.append(f"extended attributes refused by the file system: {listed([path])}")
    for position in positions:
        leader = leaders.get(entries[position].link_group, position)
        if leader != position:
            amended.entries[position] = amended.entries[leader]._replace(path=entries[position].path)
    if unshared:
        amended.degraded.append(
            f"{counted(len(unshared), 'file was', 'files were')} copied, sharing no blocks: {listed(unshared)}"
        )
    return amended


def _bring(
    found: Scan, sources: Folders, targets: Folders, position: int, transfer: Transfer
) -> Outcome | None:
    entry = found.entries[position]
    folder, name = split(entry.path)
    item = Item(
        position, name, entry.kind, found.stamps[position], entry.size, entry.mtime_ns, entry.mode, entry.uid, entry.gid
    )  # fmt: skip
    try:
        source = sources.at(folder)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise translate(error, entry.path, reading=True) from error
    try:
        inside = targets.at(folder)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=inside)
        made = transfer.bring(item, source, inside, name, folder)
    except Changed:
        return None
    except OSError as error:
        raise translate(error, entry.path) from error
    return Outcome(made, entry.size, how="reflink") if isinstance(made, bytes) else made


def leave_out(target: Path, paths: Sequence[bytes]) -> set[bytes]:
    """Remove ``paths`` in ``target``, of folders all that is in them; return the folders touched."""
    if paths:
        with Folders(target) as folders:
            for path in paths:
                folder, name = split(path)
                try:
                    parent = folders.at(folder)
                    try:
                        os.unlink(name, dir_fd=parent)
                    except IsADirectoryError:
                        remove_folder(parent, name)
                except OSError as error:
                    if error.errno not in GONE:
                        raise translate(error, path) from error
    return {split(path)[0] for path in paths}


def link_groups(target: Path, entries: Sequence[Entry]) -> set[bytes]:
    """Make the names of each link group names of one file again, that of the first; return the folders touched."""
    first: dict[int, Entry] = {}
    touched: set[bytes] = set()
    grouped = [entry for entry in entries if entry.link_group]
    if not grouped:
        return touched
    with Folders(target) as there, Folders(target) as here:
        for entry in grouped:
            leader = first.setdefault(entry.link_group, entry)
            if leader is entry:
                continue
            folder, name = split(entry.path)
            leader_folder, leader_name = split(leader.path)
            try:
                origin, place = there.at(leader_folder), here.at(folder)
                is_now = os.stat(name, dir_fd=place, follow_symlinks=False)
                if os.stat(leader_name, dir_fd=origin, follow_symlinks=False).st_ino != is_now.st_ino:
                    os.unlink(name, dir_fd=place)
                    os.link(leader_name, name, src_dir_fd=origin, dst_dir_fd=place, follow_symlinks=False)
                    touched.add(folder)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, entry.path) from error
    return touched


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
        restore(target, moved)
        return [*lines, *dress(target, moved)]
    pairs = zip(entries, granted, strict=True)
    wanted = {entry.path for entry in moved}
    restore(target, [new for old, new in pairs if old.path in wanted or old != new])
    withdraw(target, entries, granted)
    return [*lines, *dress(target, [entry for entry in granted if entry.path in wanted])]


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
