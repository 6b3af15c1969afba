"""Making a snapshot ready to be published: payload, manifest, descriptor, READY, all durable and none of it visible."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jvs_core import canonical, clock, files
from jvs_core.control import catalog
from jvs_core.control.layout import CELLS
from jvs_core.errors import JvsError
from jvs_core.model import Descriptor, HashValue, Ready
from jvs_core.operations import cells, damage, stored
from jvs_core.operations.publication import Publication
from jvs_core.payload import manifest
from jvs_core.payload.copy.captured import Capture, CaptureRequest, PreviousSnapshot
from jvs_core.payload.manifest.lines import path_of
from jvs_core.payload.tree.entry import printable


def prepare(new: Publication, sync: Callable[[Sequence[Path]], None]) -> Descriptor:
    """Make all of a snapshot under its temporary names, durable when this returns, and return its descriptor."""
    layout = new.ctx.layout
    with new.step("clone"):
        files.make_folder(new.temporary, mode=layout.folder_mode, durable=False)
        request = CaptureRequest(
            new.worktree,
            new.temporary / "payload",
            new.ctx.index(new.record.worktree_id),
            _previous(new),
            new.request.consistency,
            new.progress,
            new.found,
            new.ctx.exclude,
        )
        capture = new.engine.capture(request)
    with new.step("manifest", len(capture.entries)):
        written = manifest.write(new.temporary / "manifest", capture.entries, capture.lines)
        mode = _private_mode(new)
        if mode is not None:
            files.set_mode(new.temporary / "manifest", mode)
        root_hash = HashValue(value=manifest.root_hash(capture.entries))
        if new.request.cells is not None:
            files.write_new(new.temporary / CELLS, new.request.cells, mode=mode)
    with new.step("settle"):
        new.engine.settle(new.temporary)
    with new.step("descriptor"):
        descriptor = _describe(new, capture, root_hash, written.sha256)
        files.write_new(new.draft, catalog.encode(descriptor), mode=layout.file_mode, durable=False)
    with new.step("ready"):
        marker = new.temporary / ".READY"
        files.write_new(marker, encode_ready(descriptor), mode=layout.file_mode, durable=False)
        sync([new.draft, new.draft.parent, marker, new.temporary])
    return descriptor


def encode_ready(descriptor: Descriptor) -> bytes:
    """Return the bytes of the READY marker of a snapshot."""
    assert descriptor.descriptor_checksum is not None
    ready = Ready(
        snapshot_id=descriptor.snapshot_id,
        created_at=descriptor.created_at,
        engine=descriptor.engine,
        descriptor_checksum=descriptor.descriptor_checksum,
        payload_root_hash=descriptor.payload_root_hash,
    )
    return canonical.dumps(ready.to_json()) + b"\n"


def _previous(new: Publication) -> PreviousSnapshot | None:
    layout, head = new.ctx.layout, new.record.head_snapshot_id
    if head is None or new.engine.name not in ("reflink-copy", "copy"):
        return None
    # A head that is damaged or thinned out shares nothing, and none what verify found damaged; the new snapshot is whole.
    try:
        descriptor = stored.descriptor_of(layout, head)
        suspect = damage.possibly_damaged(new.ctx, descriptor)
    except JvsError:
        return None
    if suspect is None:
        return None

    def lines() -> Iterator[bytes]:
        try:
            found = stored.lines(layout, descriptor)
        except JvsError:
            return iter(())
        return (line for line in found if path_of(line) not in suspect) if suspect else found

    return PreviousSnapshot(layout.payload(head), descriptor.files, lines)


def _describe(new: Publication, capture: Capture, root_hash: HashValue, manifest_sha256: str) -> Descriptor:
    file_count, byte_count = manifest.totals(capture.entries)
    changed = [f"changed while JVS read it: {printable(path)}" for path in capture.changed_meanwhile]
    descriptor = Descriptor(
        snapshot_id=new.snapshot_id,
        worktree_id=new.record.worktree_id,
        worktree=new.name,
        parent_snapshot_id=new.record.head_snapshot_id,
        created_at=clock.timestamp(int(new.snapshot_id[:13])),
        note=new.request.note,
        tags=new.request.tags,
        engine=capture.engine,
        requested_engine=new.ctx.requested_engine,
        consistency_level=new.request.consistency,
        fencing_token=new.lease.token,
        holder_id=new.lease.record.holder_id,
        files=file_count,
        bytes=byte_count,
        degraded=(*capture.degraded, *changed),
        payload_root_hash=root_hash,
        manifest_hash=HashValue(value=manifest_sha256),
        cells_hash=None if new.request.cells is None else cells.digest(new.request.cells),
        kind=new.request.kind,
        excluded=new.ctx.exclude.described() or None,
        integrity_state="verified",
    )
    return descriptor.changed(descriptor_checksum=catalog.checksum(descriptor).model_dump())


def _private_mode(new: Publication) -> int | None:
    """Return the mode of what tells what is in the worktree: not for the group that cannot look into it."""
    mode = new.ctx.layout.file_mode
    if mode is not None and not os.stat(new.worktree).st_mode & stat.S_IRGRP:
        return mode & 0o700
    return mode
