"""The audit log as it lies on disk: its files, its lines, and the record of where it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from jvs_core import regular
from jvs_core.control import identity
from jvs_core.control.layout import Layout
from jvs_core.control.lock import slots
from jvs_core.errors import AuditChainBroken, DescriptorCorrupt
from jvs_core.model import AuditHead, AuditRecord
from jvs_core.validated import ValidationError

LONGEST_LINE = 1 << 28
# What the hash of a record covers begins with this, so that it is the hash of nothing else.
RECORD_CONTEXT = b"jvs audit record 2\n"
_REPAIR = "jvs doctor --repair audit_repair"


def log_path(layout: Layout) -> Path:
    """Return the current log file."""
    return layout.audit / "audit.jsonl"


def head_path(layout: Layout) -> Path:
    """Return the head file."""
    return layout.audit / "head"


def rotated_path(layout: Layout, last_seq: int) -> Path:
    """Return the file that a log ending with record ``last_seq`` is rotated to."""
    return layout.audit / f"audit-{last_seq:012d}.jsonl"


def mark(layout: Layout) -> tuple[int, ...]:
    """Return inode and size of the current file, which are others after every record; () where there is none."""
    try:
        found = os.stat(log_path(layout))
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size


def log_files(layout: Layout) -> list[Path]:
    """Return the log's files, oldest first, the current one last."""
    names = sorted(
        name for name in layout.listing(layout.audit) if re.fullmatch(r"audit-\d{12}\.jsonl", name)
    )
    current = log_path(layout)
    return [*(layout.audit / name for name in names), *([current] if os.path.lexists(current) else [])]


def opened(layout: Layout) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield the log's files with what they hold, oldest first; the current one last, under its name of now.

    The current file is opened first: when it is rotated meanwhile, it is still read, once, and in its place. What is no
    file is passed over; ``irregular`` names it.
    """
    with ExitStack() as undo:
        current = _open(log_path(layout), undo)
        for path in log_files(layout):
            if path == log_path(layout):
                continue
            with ExitStack() as close:
                log = _open(path, close)
                if log is not None and not (current and os.path.sameopenfile(log.fileno(), current.fileno())):
                    yield path, log
        if current is not None:
            yield log_path(layout), current


def _open(path: Path, undo: ExitStack) -> BinaryIO | None:
    try:
        return undo.enter_context(open_file(path))
    except (FileNotFoundError, AuditChainBroken):
        return None


def open_file(path: Path) -> BinaryIO:
    """Open a file of the log for reading; what a link leads to is read, so that a repair knows what it said.

    Raises FileNotFoundError, or AuditChainBroken when it neither is a regular file nor leads to one.
    """
    try:
        return os.fdopen(regular.open_regular(path, follow=True), "rb")
    except (DescriptorCorrupt, FileNotFoundError) as error:
        if not os.path.lexists(path):
            raise
        raise AuditChainBroken(regular.irregular(path), hint=_REPAIR, path=str(path)) from error


def irregular(layout: Layout) -> list[Path]:
    """Return those of the log's files, and of the head's, that are no regular files."""
    return [path for path in (*log_files(layout), head_path(layout)) if regular.is_irregular(path)]


def require_regular(layout: Layout) -> None:
    """Raise AuditChainBroken unless log and head are regular files; nothing is appended to anything else."""
    for path in (log_path(layout), head_path(layout)):
        if regular.is_irregular(path):
            raise AuditChainBroken(regular.irregular(path), hint=_REPAIR, path=str(path))


def lines(layout: Layout) -> Iterator[bytes]:
    """Yield every line of the log as it lies on disk, oldest first."""
    for _, log in opened(layout):
        yield from lines_of(log)


def lines_of(log: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of one file of the log, up to one that is longer than any that JVS writes."""
    while line := log.readline(LONGEST_LINE):
        yield line
        if len(line) == LONGEST_LINE:
            break


def parse_line(line: bytes) -> AuditRecord:
    """Return the record of one line, its own hash verified.

    The hash is over RECORD_CONTEXT and the line's very bytes without its own field, so a line that says the same in other words is
    refused too. Raises AuditChainBroken.
    """
    try:
        record = AuditRecord.parse(line, "an audit record")
    except DescriptorCorrupt as error:
        raise AuditChainBroken(error.message, hint="jvs verify --all") from error
    own = b',"record_hash":"%s"' % record.record_hash.encode()
    before, _, after = line.partition(own)
    hashed = hashlib.sha256(RECORD_CONTEXT + before + after.removesuffix(b"\n")).hexdigest()
    if not after.endswith(b"}\n") or own in after or hashed != record.record_hash:
        raise AuditChainBroken(f"audit record {record.seq} was changed", hint="jvs verify --all")
    return record


def claims(line: bytes) -> tuple[int | None, str | None]:
    """Return the number and the hash that a line says it has, whether or not they are right; None for what is missing."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    seq, record_hash = found.get("seq"), found.get("record_hash")
    whole = isinstance(seq, int) and not isinstance(seq, bool) and seq > 0
    return seq if whole else None, record_hash if isinstance(record_hash, str) else None


def tail(layout: Layout, limit: int | None = None) -> list[AuditRecord]:
    """Return the newest ``limit`` records (None: all), newest first, as they lie on disk; ``chain`` verifies them.

    Raises AuditChainBroken for a line that is no record. A last line that a crash left incomplete is left out.
    """
    found: list[AuditRecord] = []
    for path in log_files(layout)[::-1]:
        for line in _last_lines(path, None if limit is None else limit - len(found)):
            try:
                found.append(AuditRecord.parse(line, f"a line of {path.name}"))
            except DescriptorCorrupt as error:
                raise AuditChainBroken(error.message, hint="jvs verify --all") from error
        if limit is not None and len(found) >= limit:
            break
    return found


def _last_lines(path: Path, count: int | None) -> list[bytes]:
    """Return the last ``count`` whole lines, the last one first."""
    if count == 0:
        return []
    with open_file(path) as log:
        size = os.fstat(log.fileno()).st_size
        if size > 2 * LONGEST_LINE:
            raise AuditChainBroken(f"{path} is longer than a log can be", hint=_REPAIR, path=str(path))
        reach = size if count is None else 4096
        while True:
            start = max(0, size - reach)
            log.seek(start)
            whole = log.read(size - start).split(b"\n")[:-1]
            if start == 0:
                break
            whole = whole[1:]  # the beginning of the first one may lie before the reach
            if count is not None and len(whole) >= count:
                break
            reach *= 4
    return whole[::-1] if count is None else whole[::-1][:count]


def read_head(layout: Layout) -> dict[str, Any]:
    """Return ``origin`` (the repository), ``seq``, ``head_hash`` and ``size`` (bytes of the current file).

    Raises AuditChainBroken when the head is missing or unreadable although the log is not empty.
    """
    try:
        head = slots.read(head_path(layout))
    except FileNotFoundError as error:
        if log_files(layout):
            raise AuditChainBroken("the audit log has no head", hint=_REPAIR) from error
        return {"origin": identity.repo_id(layout), "seq": 0, "head_hash": "", "size": 0}
    except DescriptorCorrupt as error:
        raise AuditChainBroken("the audit head is damaged", hint=_REPAIR) from error
    try:
        AuditHead.model_validate(head)
    except ValidationError as error:
        raise AuditChainBroken(
            f"the audit head lacks its {error.errors()[0]['loc'][0]}", hint=_REPAIR
        ) from error
    return head
