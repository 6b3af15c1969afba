"""The tree in which a payload is repaired: itself, or a writable copy where the file system keeps it read-only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core import anchored, files, syncing
from jvs_core.control.lock import critical
from jvs_core.control.records import journal, quarantine
from jvs_core.errors import JvsError
from jvs_core.model import Intent
from jvs_core.operations.context import Context
from jvs_core.payload.copy.mend import Unhealed
from jvs_core.payload.copy.put import temporary_name
from jvs_core.payload.engines import subvolume
from jvs_core.payload.tree.removal import remove_tree


@dataclass
class RepairTree:
    """The tree ``root`` to change, and the folder ``staging``, on the same file system, in which new entries are made.

    ``used`` says whether anything was changed. If anything was taken ``away`` from a ``copy``, the old payload is
    quarantined.
    """

    ctx: Context
    intent: Intent
    root: Path
    staging: Path
    name: bytes
    copy: bool
    used: bool = False
    taken_away: list[bytes] = field(default_factory=list)

    def away(self, path: bytes) -> None:
        """Remove what lies at ``path`` and does not belong there; it is kept in quarantine."""
        place = self.root / os.fsdecode(path)
        if self.copy:
            remove_tree(place)
        else:
            with self.changing():
                quarantine.put(self.ctx.layout, place, f"{self.intent.snapshot_id}-surplus")
        self.taken_away.append(path)
        self.used = True

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let the block change the payload, in the critical section and only if the intent stands.

        Then gc has not taken the snapshot, and nobody clears away what was made for the repair.
        """
        with self.ctx.critical():
            journal.require(self.ctx.layout, self.intent)
            critical.require(self.ctx.layout.repository_lock)
            yield


@contextmanager
def writable_tree(ctx: Context, intent: Intent, payload: Path) -> Iterator[RepairTree]:
    """Yield where to mend ``payload``. A crash leaves some of its paths mended, and leftovers elsewhere."""
    snapshot_id = str(intent.snapshot_id)
    temporary = f"{snapshot_id}{files.TEMPORARY_SUFFIX}"
    if not subvolume.is_subvolume(payload):
        staging = ctx.layout.damage
        files.unlink(staging / temporary, missing_ok=True)
        yield RepairTree(ctx, intent, payload, staging, os.fsencode(temporary), copy=False)
        return
    copy = ctx.layout.snapshots / temporary
    engine = ctx.removal_engine()
    engine.remove(copy)
    try:
        try:
            made = _copied(ctx, intent, payload, copy)
        except OSError as error:
            raise Unhealed(f"the payload cannot be copied: {error.strerror}") from error
        yield made
        if made.used:
            _exchange(made, payload)
    finally:
        with suppress(JvsError):
            engine.remove(copy)


def _copied(ctx: Context, intent: Intent, payload: Path, copy: Path) -> RepairTree:
    """Make ``copy`` a second folder of the snapshot: its other files linked, its payload one that can be written."""
    here = os.stat(payload.parent)
    files.make_folder(copy, mode=stat.S_IMODE(here.st_mode), durable=False)
    if os.geteuid() == 0:
        with anchored.parent(copy) as (folder, name):
            os.chown(name, here.st_uid, here.st_gid, dir_fd=folder, follow_symlinks=False)
    for name in ctx.layout.listing(payload.parent):
        if name != payload.name:
            with anchored.parent(payload.parent / name) as (old, _), anchored.parent(copy / name) as (new, _):
                os.link(name, name, src_dir_fd=old, dst_dir_fd=new, follow_symlinks=False)
    root = copy / payload.name
    subvolume.snapshot(payload, root, read_only=False)
    return RepairTree(ctx, intent, root, root, temporary_name(), copy=True)


def _exchange(made: RepairTree, payload: Path) -> None:
    """Exchange the snapshot for the mended copy, in one step."""
    subvolume.set_read_only(made.root, subvolume.is_read_only(payload))
    syncing.sync_file_system(made.root)
    with made.changing():
        files.exchange(made.root.parent, payload.parent)
        syncing.sync_folder(payload.parent.parent)
        if made.taken_away:
            quarantine.put(made.ctx.layout, made.root.parent, f"{made.intent.snapshot_id}-before")
