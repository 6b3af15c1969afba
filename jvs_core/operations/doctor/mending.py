"""Mending one payload: each path that is not as its manifest says."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from jvs_core import anchored
from jvs_core.errors import EngineFailed, JvsError, NoSpace
from jvs_core.operations.context import Context
from jvs_core.operations.doctor.repair_tree import RepairTree
from jvs_core.operations.doctor.sources import Sources
from jvs_core.operations.stored import Stored
from jvs_core.payload.copy import mend, tree_attributes
from jvs_core.payload.copy.mend import Place, Unhealed
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry, printable
from jvs_core.payload.tree.folders import FOLDER_FLAGS, Folders, split


class Twin(NamedTuple):
    """A file that was healed in another payload, and that both payloads shared before."""

    root: Path
    entry: Entry


class Mending:
    """Mends the payload of ``taken`` in ``tree``, as far as content is found.

    ``damaged`` are the paths to mend, ``drifted`` the folders whose attributes to mend. ``healed`` collects the paths
    that were mended, ``unhealed`` says what is missing for the others; ``linkable`` are the new files that other
    snapshots may share.
    """

    def __init__(
        self,
        ctx: Context,
        taken: Stored,
        tree: RepairTree,
        damaged: Sequence[bytes],
        drifted: Iterable[bytes],
        twin_of: Callable[[bytes], Twin | None],
    ) -> None:
        self.ctx = ctx
        self.taken = taken
        self.tree = tree
        self.damaged = damaged
        self.twin_of = twin_of
        self.entries = {entry.path: entry for entry in taken.entries}
        self.healed: list[bytes] = []
        self.unhealed: list[str] = []
        self.linkable: dict[bytes, Entry] = {}
        self.touched = set(drifted)
        self.rights = Rights(ctx)
        self.folders = Folders(tree.root)

    def run(self) -> None:
        """Mend what can be. A failure leaves each path as it was or mended, and times of folders to be mended again."""
        with self.folders:
            self.clear()
            self.make_folders()
            self.make_rest()
            self.finish()

    def clear(self) -> None:
        """Take away what is not in the manifest, folders in the place of something else, and the reverse."""
        for path in self.damaged:
            entry, now = self.entries.get(path), self.status(path)
            wrong = now is not None and (entry is None or (entry.kind == FOLDER) != stat.S_ISDIR(now.st_mode))
            if now is None and entry is None:
                self.healed.append(path)  # removed with the folder that it lay in
            elif wrong:
                try:
                    self.tree.away(path)
                except (JvsError, OSError) as error:
                    self.unhealed.append(f"{printable(path)}: it cannot be moved away: {error}")
                    continue
                self.folders.forget(path)
                self.touched.add(split(path)[0])
                if entry is None:
                    self.healed.append(path)

    def make_folders(self) -> None:
        for path in self.damaged:
            entry = self.entries.get(path)
            if entry is None or entry.kind != FOLDER or not path:
                continue
            if not self.rights.cover(entry):
                self.unhealed.append(f"{printable(path)}: a folder of another user")
                continue
            folder, name = split(path)
            if self.status(path) is None:
                try:
                    with self.tree.changing():
                        os.mkdir(name, 0o700, dir_fd=self.folders.at(folder))
                except OSError as error:
                    self.unhealed.append(f"{printable(path)}: {error.strerror}")
                    continue
            self.tree.used = True
            self.touched |= {path, folder}
            self.healed.append(path)

    def make_rest(self) -> None:
        """Rebuild files, links and FIFOs; a file with hard links with all of them."""
        units: dict[object, list[Entry]] = {}
        damaged = set(self.damaged)
        for entry in self.taken.entries:
            if entry.kind != FOLDER:
                units.setdefault(entry.link_group or entry.path, []).append(entry)
        chosen = [unit for unit in units.values() if damaged.intersection(entry.path for entry in unit)]
        sources = Sources(self.ctx, [unit[0] for unit in chosen])
        staging = anchored.open_folder(self.tree.staging, FOLDER_FLAGS)
        try:
            for unit in chosen:
                try:
                    self.make(unit, sources, staging)
                except NoSpace:
                    raise
                except (Unhealed, EngineFailed) as error:
                    self.unhealed.append(error.message if isinstance(error, EngineFailed) else str(error))
                else:
                    self.healed += [entry.path for entry in unit if entry.path in damaged]
        finally:
            os.close(staging)

    def make(self, unit: Sequence[Entry], sources: Sources, staging: int) -> None:
        entry, name = unit[0], self.tree.name
        if not self.rights.cover(entry):
            raise Unhealed(f"{printable(entry.path)}: a file of another user; only that user can heal it")
        twin = self.twin_of(entry.path)
        shared = twin is not None and twin.entry == entry
        if not (shared and twin and mend.link(entry, Place(twin.root, entry.path), staging, name)):
            own = [Place(self.tree.root, each.path) for each in unit]
            mend.make(entry, [*own, *sources.of(entry)], staging, name, special=self.rights.special)
        try:
            with self.tree.changing():
                self.tree.used = True
                mend.put_in_place(self.folders, staging, name, [each.path for each in unit])
        except BaseException:
            mend.discard(staging, name)
            raise
        self.touched |= {split(each.path)[0] for each in unit}
        if entry.kind == FILE and not entry.link_group and not self.tree.copy:
            self.linkable[entry.path] = entry

    def finish(self) -> None:
        """Give the folders that were changed the attributes that they had, the deepest first."""
        if self.tree.copy and self.tree.used:
            self.touched.add(b"")
        wanted = [
            self.entries[path]
            for path in sorted(self.touched, reverse=True)
            if path in self.entries and self.rights.cover(self.entries[path])
        ]
        if self.rights.caller != 0:
            wanted = [entry for entry in map(self.as_owned, wanted) if entry.uid == self.rights.caller]
        with self.tree.changing():
            tree_attributes.restore(self.tree.root, wanted)
        for entry in wanted:
            try:
                os.fsync(self.folders.at(entry.path))
            except OSError:
                continue

    def as_owned(self, entry: Entry) -> Entry:
        """Return the entry of a folder with its present owner, which only root can change."""
        now = self.status(entry.path)
        return entry if now is None else entry._replace(uid=now.st_uid, gid=now.st_gid)

    def status(self, path: bytes) -> os.stat_result | None:
        folder, name = split(path)
        try:
            if not path:
                return os.fstat(self.folders.top)
            return os.stat(name, dir_fd=self.folders.at(folder), follow_symlinks=False)
        except OSError:
            return None


class Rights:
    """The rights that a manifest may give: fewer where another user could have written it.

    Setuid, setgid and capabilities are given only where nobody but the caller and root writes the repository; and root
    gives a file only to users who could have made it there.
    """

    def __init__(self, ctx: Context) -> None:
        self.caller = os.geteuid()
        control = os.lstat(ctx.layout.control)
        alone = not ctx.layout.shared and not control.st_mode & 0o022
        self.special = alone and control.st_uid in (0, self.caller)
        self.owners = {0, control.st_uid} if alone else {0}

    def cover(self, entry: Entry) -> bool:
        """Return whether ``entry`` may be made."""
        return self.caller != 0 or self.special or entry.uid in self.owners
