"""Healing damaged snapshots with content of the same digest from elsewhere in the repository.

The damage records only say where to look: each such snapshot is read again, every byte, and every byte of what is put
into it is read first. A crash leaves each path as it was or healed.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.records import damages, journal
from jvs_core.control.records.damages import DAMAGES
from jvs_core.errors import (
    AuditChainBroken,
    IntegrityError,
    PayloadHashMismatch,
    SnapshotExpired,
    SnapshotNotFound,
    UnsupportedFile,
)
from jvs_core.model import MOST_DAMAGED
from jvs_core.operations import stored
from jvs_core.operations.context import Context, step
from jvs_core.operations.doctor.mending import Mending, Twin
from jvs_core.operations.doctor.repair_tree import writable_tree
from jvs_core.operations.stored import Stored
from jvs_core.payload.check.comparison import Comparison
from jvs_core.payload.check.inspection import Inspection
from jvs_core.payload.copy.mend import Unhealed
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import FOLDER, printable
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.progress import Progress

Inode = tuple[int, int]


def heal(ctx: Context, progress: Progress) -> list[str]:
    """Heal every snapshot with a damage record, and those that share the damaged files; return what was done.

    What could not be healed stays recorded, with what is missing for it.
    """
    return _Healing(ctx, progress).run()


class _Healing:
    def __init__(self, ctx: Context, progress: Progress) -> None:
        self.ctx = ctx
        self.progress = progress
        self.done: list[str] = []
        self.twins: dict[Inode, Twin] = {}
        self.waiting = deque(DAMAGES.keys(ctx.layout))
        self.seen: set[str] = set()
        threads = juicefs.THREADS if juicefs.mount_at(ctx.layout.control) else 0
        self.inspection = Inspection(threads=threads)

    def run(self) -> list[str]:
        while self.waiting:
            snapshot_id = self.waiting.popleft()
            if snapshot_id in self.seen:
                continue
            self.seen.add(snapshot_id)
            try:
                self.one(snapshot_id)
            except (SnapshotExpired, SnapshotNotFound):
                self.forget(snapshot_id, "the snapshot no longer exists")
            except IntegrityError as error:
                self.remember(snapshot_id, error.code, (), [error.message])
        return self.done

    def one(self, snapshot_id: str) -> None:
        taken = logged(self.ctx, snapshot_id)
        found = self.read(taken)
        closed = {path for path, why in found.unreadable.items() if isinstance(why, UnsupportedFile)}
        wrong = [path for path in found.wrong if path not in closed]
        folders = {entry.path for entry in taken.entries if entry.kind == FOLDER}
        known = DAMAGES.exists(self.ctx.layout, snapshot_id)
        left: list[bytes] = []
        drifted = folders.intersection(found.drifted)
        if wrong or (known and drifted):
            if not known:
                self.remember(snapshot_id, PayloadHashMismatch.code, wrong, ())
            left = self.mend(taken, wrong, drifted)
        if not left and not closed:  # what the caller may not read may still be damaged
            self.forget(snapshot_id, "" if wrong else "the snapshot is whole")

    def mend(self, taken: Stored, wrong: list[bytes], drifted: set[bytes]) -> list[bytes]:
        """Mend the ``wrong`` paths, and the folders that ``drifted``; return what is left, which stays recorded."""
        snapshot_id = taken.descriptor.snapshot_id
        rotten = _inodes(taken.payload, wrong)
        self.queue_sharing(_inodes(taken.payload, wrong, names=2))
        with self.ctx.critical():
            catalog.require_kept(self.ctx.layout, snapshot_id)
            intent = self.ctx.begin("heal", snapshot_id=snapshot_id)
        try:
            with (
                step(self.progress, "heal", len(wrong)),
                writable_tree(self.ctx, intent, taken.payload) as here,
            ):
                mending = Mending(self.ctx, taken, here, wrong, drifted, self.twin_of(rotten))
                mending.run()
        except Unhealed as error:
            self.remember(snapshot_id, PayloadHashMismatch.code, wrong, [str(error)])
            return wrong
        finally:
            journal.complete(self.ctx.layout, intent)
        self.done += [f"{snapshot_id}: {printable(path)}" for path in mending.healed]
        for path, inode in rotten.items():
            if path in mending.linkable and inode not in self.twins:
                self.twins[inode] = Twin(taken.payload, mending.linkable[path])
        left = sorted(set(wrong) - set(mending.healed))
        if left:
            said = mending.unhealed or [f"cannot be repaired: {listed(left)}"]
            self.remember(snapshot_id, PayloadHashMismatch.code, left, said)
        return left

    def read(self, taken: Stored) -> Comparison:
        """Compare the whole payload with its manifest."""
        return self.inspection.inspect(
            taken.payload,
            list(stored.lines(self.ctx.layout, taken.descriptor)),
            files=taken.descriptor.files,
            size=taken.descriptor.bytes,
            progress=self.progress,
        )

    def twin_of(self, rotten: dict[bytes, Inode]) -> Callable[[bytes], Twin | None]:
        """Return a function that finds the healed file in another payload that shared the damaged one."""
        return lambda path: self.twins.get(rotten[path]) if path in rotten else None

    def queue_sharing(self, shared: dict[bytes, Inode]) -> None:
        """Queue the snapshots that share a damaged file by hard link, which is always under the same path."""
        for other in catalog.ids(self.ctx.layout) if shared else ():
            here = {} if other in self.seen else _inodes(self.ctx.layout.payload(other), shared)
            if here.items() & shared.items():
                self.waiting.append(other)

    def forget(self, snapshot_id: str, why: str) -> None:
        if DAMAGES.exists(self.ctx.layout, snapshot_id):
            with self.ctx.critical():
                DAMAGES.remove(self.ctx.layout, snapshot_id, missing_ok=True)
            self.done += [f"{snapshot_id}: {why}"] if why else []

    def remember(self, snapshot_id: str, code: str, left: Sequence[bytes], unhealed: Sequence[str]) -> None:
        with self.ctx.critical():
            damages.remember(
                self.ctx.layout,
                snapshot_id,
                by=self.ctx.settings.holder_id,
                code=code,
                paths=left,
                complete=0 < len(left) <= MOST_DAMAGED,
                unhealed=unhealed,
            )


def _inodes(payload: Path, paths: Iterable[bytes], *, names: int = 1) -> dict[bytes, Inode]:
    """Return the inodes at ``paths`` of a payload that have at least so many ``names``."""
    found: dict[bytes, Inode] = {}
    with suppress(OSError), Folders(payload) as folders:
        for path in paths:
            folder, name = split(path)
            with suppress(OSError):
                st = os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
                if stat.S_ISREG(st.st_mode) and st.st_nlink >= names:
                    found[path] = st.st_dev, st.st_ino
    return found


def logged(ctx: Context, snapshot_id: str) -> Stored:
    """Return a snapshot, if its descriptor is the one in the log."""
    taken = stored.load(ctx.layout, snapshot_id)
    known = ledgers.read(ctx.layout).snapshots.get(snapshot_id)
    checksum = taken.descriptor.descriptor_checksum
    if checksum is None or known != (checksum.value, taken.descriptor.payload_root_hash.value):
        raise AuditChainBroken(f"the descriptor of {snapshot_id} differs from the log")
    return taken
