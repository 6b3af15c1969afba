"""Audit logs for tests: grown by appending, or written in one go as appending would have left them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from jvs_core import canonical
from jvs_core.control.audit import log_file, writer
from jvs_core.control.layout import Layout
from jvs_core.control.lock import slots
from jvs_core.settings import Settings


def grow(layout: Layout, who: Settings, count: int) -> None:
    """Append ``count`` records."""
    for number in range(count):
        writer.append(layout, who, "ref_create", target=f"ref{number}", reason=f"reason {number}")


def record_hash(fields: dict[str, Any]) -> str:
    """Return the hash of a record, of all its other fields."""
    return hashlib.sha256(b"jvs audit record 2\n" + canonical.dumps(fields)).hexdigest()


def written(layout: Layout) -> list[bytes]:
    """Return the lines of the current file."""
    return log_file.log_path(layout).read_bytes().splitlines(keepends=True)


def write(layout: Layout, lines: Iterable[bytes]) -> None:
    """Put other lines in the place of the current file's."""
    log_file.log_path(layout).write_bytes(b"".join(lines))


def rebuild(layout: Layout, change: Callable[[dict[str, Any]], None] = lambda fields: None) -> None:
    """Write the whole log anew, head included, every record first changed; its chain is without a flaw."""
    lines, previous, seq = [], "", 0
    for line in written(layout):
        fields = log_file.parse_line(line).to_json()
        del fields["record_hash"]
        change(fields)
        seq += 1
        fields.update(seq=seq, prev_hash=previous)
        previous = record_hash(fields)
        lines.append(canonical.dumps({**fields, "record_hash": previous}) + b"\n")
    write(layout, lines)
    head = log_file.read_head(layout)
    slots.write(
        log_file.head_path(layout),
        {**head, "seq": seq, "head_hash": previous, "size": sum(map(len, lines))},
    )


def lengthen(layout: Layout, count: int) -> None:
    """Write ``count`` copies of the last record after it, chained, without the cost of appending each."""
    last = log_file.parse_line(written(layout)[-1]).to_json()
    head, lines = log_file.read_head(layout), []
    for _ in range(count):
        last["seq"] += 1
        last["prev_hash"] = last.pop("record_hash")
        last["record_hash"] = record_hash(last)
        lines.append(canonical.dumps(last) + b"\n")
    with log_file.log_path(layout).open("ab") as log:
        log.writelines(lines)
    size = head["size"] + sum(map(len, lines))
    slots.write(
        log_file.head_path(layout),
        {**head, "seq": last["seq"], "head_hash": last["record_hash"], "size": size},
    )
