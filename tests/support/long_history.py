"""Long histories, written with the library's own records instead of being taken."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jvs_core import Repository, canonical, clock
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import worktree
from jvs_core.model import Descriptor, HashValue, Ready
from jvs_core.payload import manifest
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry

_HOUR_MS = 3_600_000


def write_history(repo: Repository, count: int, *, last_ms: int = 1_760_000_000_000) -> list[str]:
    """Give ``main`` a history of ``count`` snapshots of one file, an hour apart, and return their ids, oldest first.

    None of them is in the audit log, and nothing is synced.
    """
    layout = Layout(repo.root)
    record = worktree.get(layout, "main")
    parent: str | None = record.head_snapshot_id
    made = []
    for number in range(count):
        moment = last_ms - (count - 1 - number) * _HOUR_MS
        parent = _write(layout, record.worktree_id, f"{moment:013d}-{number:08x}", parent, moment)
        made.append(parent)
    move_head(layout, "main", parent)
    return made


def write_wide_history(
    repo: Repository, count: int, *, files: int, changes: int, last_ms: int = 1_760_000_000_000
) -> list[str]:
    """Give ``main`` a history as ``write_history`` does, of ``files`` files, ``changes`` of which are others in each snapshot.

    Manifests and records only: the payloads are empty.
    """
    layout = Layout(repo.root)
    record = worktree.get(layout, "main")
    parent: str | None = None
    entries = [Entry(b"", FOLDER, 0o755, 0, 0, 0, last_ms * 1_000_000)]
    entries += [_file(number, 0, last_ms) for number in range(files)]
    made = []
    for number in range(count):
        moment = last_ms - (count - 1 - number) * _HOUR_MS
        for change in range(changes if number else 0):
            place = (number * changes + change) % files
            entries[place + 1] = _file(place, number, moment)
        snapshot_id = f"{moment:013d}-{number:08x}"
        layout.payload(snapshot_id).mkdir(parents=True)
        parent = _record(layout, record.worktree_id, snapshot_id, parent, moment, entries)
        made.append(parent)
    move_head(layout, "main", parent)
    return made


def _file(place: int, version: int, moment: int) -> Entry:
    content = f"{place} {version}".encode()
    return Entry(
        f"file-{place:04d}".encode(),
        FILE,
        0o644,
        0,
        0,
        1000 + place,
        moment * 1_000_000,
        sha256=hashlib.sha256(content).digest(),
    )


def move_head(layout: Layout, name: str, snapshot_id: str | None) -> None:
    """Write a further head for a worktree, as JVS does, but into no log."""
    seen = worktree.get(layout, name)
    with critical.exclusive(layout.repository_lock):
        worktree.move(
            layout, name, seen, operation="snapshot", token=None, snapshot_id=snapshot_id, undo=seen.undo
        )


def _write(layout: Layout, worktree_id: str, snapshot_id: str, parent: str | None, moment: int) -> str:
    folder = layout.snapshot(snapshot_id)
    payload = folder / "payload"
    payload.mkdir(parents=True)
    content = snapshot_id.encode()
    (payload / "notes.txt").write_bytes(content)
    return _record(layout, worktree_id, snapshot_id, parent, moment, _entries(payload, content))


def _record(
    layout: Layout,
    worktree_id: str,
    snapshot_id: str,
    parent: str | None,
    moment: int,
    entries: list[Entry],
) -> str:
    written = manifest.write(layout.manifest(snapshot_id), entries)
    root_hash = HashValue(value=manifest.root_hash(entries))
    draft = Descriptor(
        snapshot_id=snapshot_id,
        worktree_id=worktree_id,
        worktree="main",
        parent_snapshot_id=parent,
        created_at=clock.timestamp(moment),
        note=f"hour {moment // _HOUR_MS}",
        tags=(),
        engine="copy",
        requested_engine="copy",
        consistency_level="quiesced",
        fencing_token=1,
        holder_id="user@host",
        files=sum(entry.kind == FILE for entry in entries),
        bytes=sum(entry.size for entry in entries),
        degraded=(),
        payload_root_hash=root_hash,
        manifest_hash=HashValue(value=written.sha256),
        integrity_state="verified",
    )
    descriptor = draft.changed(descriptor_checksum=catalog.checksum(draft).model_dump())
    assert descriptor.descriptor_checksum is not None
    ready = Ready(
        snapshot_id=snapshot_id,
        created_at=descriptor.created_at,
        engine="copy",
        descriptor_checksum=descriptor.descriptor_checksum,
        payload_root_hash=root_hash,
    )
    layout.ready(snapshot_id).write_bytes(canonical.dumps(ready.to_json()) + b"\n")
    layout.descriptor(snapshot_id).write_bytes(catalog.encode(descriptor))
    return snapshot_id


def _entries(payload: Path, content: bytes) -> list[Entry]:
    top, notes = payload.stat(), (payload / "notes.txt").stat()
    return [
        Entry(b"", FOLDER, top.st_mode & 0o7777, top.st_uid, top.st_gid, 0, top.st_mtime_ns),
        Entry(
            b"notes.txt",
            FILE,
            notes.st_mode & 0o7777,
            notes.st_uid,
            notes.st_gid,
            len(content),
            notes.st_mtime_ns,
            sha256=hashlib.sha256(content).digest(),
        ),
    ]
