"""Appending to the audit log: one hash-chained JSON line for each mutating operation.

``audit.jsonl`` grows at its end; ``head`` (two slots, in place) holds the newest sequence number and hash, so that a
cut tail shows. Appending costs the same whatever the length. At 100 MB the file is renamed to ``audit-<seq>.jsonl``
and the chain goes on in a new one.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from jvs_core import canonical, clock, files, regular, syncing
from jvs_core.control import identity
from jvs_core.control.audit.log_file import (
    LONGEST_LINE,
    RECORD_CONTEXT,
    head_path,
    lines_of,
    log_files,
    log_path,
    open_file,
    parse_line,
    read_head,
    require_regular,
    rotated_path,
)
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical, slots
from jvs_core.errors import AuditChainBroken
from jvs_core.model import AuditRecord
from jvs_core.settings import Settings

ROTATE_BYTES = 100_000_000


def append(
    layout: Layout,
    settings: Settings,
    operation: str,
    *,
    worktree: str | None = None,
    worktree_id: str | None = None,
    snapshot_id: str | None = None,
    fencing_token: int | None = None,
    target: str | None = None,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> AuditRecord:
    """Append one record, durable. The caller holds the repository's critical section.

    A line that a crash left half written is cut off first: its operation never reported success. A damaged log does
    not stop work; the new record continues from the head, and the damage stays visible to ``verify``. Raises
    AuditChainBroken when something else than a file is in the place of log or head.
    """
    critical.require(layout.repository_lock)
    require_regular(layout)
    head = _recover(layout)
    fields: dict[str, Any] = {
        "seq": head["seq"] + 1,
        "event_id": str(uuid.uuid4()),
        "timestamp": clock.timestamp(),
        "operation": operation,
        "actor": f"{settings.user}@{settings.host}",
        "session_id": settings.session,
        "worktree": worktree,
        "worktree_id": worktree_id,
        "snapshot_id": snapshot_id,
        "fencing_token": fencing_token,
        "target": target,
        "reason": reason,
        "details": details or {},
        "prev_hash": head["head_hash"],
    }
    record = AuditRecord.model_validate({**fields, "record_hash": _hash(fields)})
    line = canonical.dumps(record.to_json()) + b"\n"
    if head["size"] + len(line) > ROTATE_BYTES and head["size"]:
        files.rename_durable(log_path(layout), rotated_path(layout, head["seq"]))
        head["size"] = 0
    _write_line(layout, line)
    _write_head(
        layout,
        {
            **head,
            "seq": record.seq,
            "head_hash": record.record_hash,
            "size": os.stat(log_path(layout)).st_size,
        },
    )
    return record


def _hash(fields: dict[str, Any]) -> str:
    return hashlib.sha256(RECORD_CONTEXT + canonical.dumps(fields)).hexdigest()


def _recover(layout: Layout) -> dict[str, Any]:
    """Return the head that the next record continues from, with what a crash left behind put right."""
    try:
        head = read_head(layout)
    except AuditChainBroken:
        return _head_from_log(layout)
    path = log_path(layout)
    size = path.stat().st_size if path.exists() else 0
    if rotated_path(layout, head["seq"]).exists():  # a crash came between the rotation and the new head
        head = {**head, "size": 0}
    return _roll_forward(path, head) if size > head["size"] else head


def _roll_forward(path: Path, head: dict[str, Any]) -> dict[str, Any]:
    with open_file(path) as log:
        log.seek(head["size"])
        for line in lines_of(log):
            if len(line) < LONGEST_LINE and not line.endswith(
                b"\n"
            ):  # only the very end of the file has none
                _truncate(path, head["size"])
                break
            try:
                record = parse_line(line)
            except AuditChainBroken:
                return {**head, "size": path.stat().st_size}
            if record.seq != head["seq"] + 1 or record.prev_hash != head["head_hash"]:
                return {**head, "size": path.stat().st_size}
            head = {
                **head,
                "seq": record.seq,
                "head_hash": record.record_hash,
                "size": head["size"] + len(line),
            }
    return head


def _truncate(path: Path, size: int) -> None:
    fd = regular.open_regular(path, os.O_WRONLY)
    try:
        os.ftruncate(fd, size)
    finally:
        os.close(fd)


def _head_from_log(layout: Layout) -> dict[str, Any]:
    """Return a head that continues from the newest record that is whole."""
    size = log_path(layout).stat().st_size if log_path(layout).exists() else 0
    head = {"origin": identity.repo_id(layout), "seq": 0, "head_hash": "", "size": size}
    for path in log_files(layout)[::-1]:
        found = None
        with suppress(AuditChainBroken), open_file(path) as log:
            for line in lines_of(log):
                with suppress(AuditChainBroken):
                    found = parse_line(line)
        if found is not None:
            return {**head, "seq": found.seq, "head_hash": found.record_hash}
    return head


def _write_line(layout: Layout, line: bytes) -> None:
    path = log_path(layout)
    created = not path.exists()
    mode = layout.file_mode
    fd = regular.open_regular(
        path, os.O_RDWR | os.O_APPEND | os.O_CREAT, regular.FILE_MODE if mode is None else mode
    )
    try:
        if created and mode is not None:
            os.fchmod(fd, mode)
        end = os.fstat(fd).st_size
        if (
            end and os.pread(fd, 1, end - 1) != b"\n"
        ):  # somebody cut the log: keep this record apart from the rest
            line = b"\n" + line
        try:
            files.write_all(fd, line)
            os.fsync(fd)
        except BaseException:  # a full disk takes a part of the line: leave the log as it was
            with suppress(OSError):
                os.ftruncate(fd, end)
            raise
    finally:
        os.close(fd)
    if created:
        syncing.sync_folder(path.parent)


def _write_head(layout: Layout, head: dict[str, Any]) -> None:
    path = head_path(layout)
    if path.exists():
        slots.write(path, head)
    else:
        slots.create(path, head, mode=layout.file_mode)
