"""What gc must not touch, and why. Anything that cannot be read stops gc: it fails closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jvs_core import clock
from jvs_core.control import catalog, journal, pins, refs, worktree
from jvs_core.control.layout import Layout
from jvs_core.errors import DescriptorCorrupt, LineageBroken
from jvs_core.model import Descriptor


@dataclass(frozen=True)
class Protection:
    """Reasons by snapshot id: what is needed itself, and what is needed as an ancestor of that."""

    direct: dict[str, list[str]]
    lineage: dict[str, list[str]]


def descriptors(layout: Layout) -> dict[str, Descriptor]:
    """Return every descriptor by id.

    Raises DescriptorCorrupt for the first that is unreadable or does not match its checksum.
    """
    return {snapshot_id: catalog.read(layout, snapshot_id) for snapshot_id in catalog.ids(layout)}


def read(layout: Layout, known: dict[str, Descriptor]) -> Protection:
    """Return what protects the snapshots ``known``.

    Raises DescriptorCorrupt, RefBroken or LineageBroken when a ref, pin, intent, worktree or parent cannot be read.
    """
    direct: dict[str, list[str]] = {}
    closed: set[str] = set()

    def protect(snapshot_id: str | None, reason: str, *, ancestors: bool = False) -> None:
        if snapshot_id is None:
            return
        if snapshot_id not in known:
            raise LineageBroken(f"{reason} needs snapshot {snapshot_id}, which is missing", hint="jvs doctor")
        direct.setdefault(snapshot_id, []).append(reason)
        if ancestors:
            closed.add(snapshot_id)

    for name in worktree.names(layout):
        record = worktree.get(layout, name)
        protect(record.head_snapshot_id, f"head of {name}")
        now = clock.now_ms()
        for point in record.undo:
            if now < clock.parse(point.restored_at) + pins.UNDO_MS:
                protect(point.head_snapshot_id, f"undo of {name}")
    for ref in refs.read_all(layout):
        protect(ref.snapshot_id, f"ref {ref.name}")
    for pin in pins.read_all(layout):
        if not pins.has_expired(pin):
            protect(pin.snapshot_id, f"pin {pin.pin_id}", ancestors=pin.lineage)
    pending, unreadable = journal.pending(layout)
    if unreadable:
        raise DescriptorCorrupt(f"intent {unreadable[0]} is damaged", hint="jvs doctor")
    for intent in pending:
        for snapshot_id in _named(intent.snapshot_id, *intent.details.values()):
            if snapshot_id in known:
                protect(snapshot_id, f"intent {intent.operation}")
    for snapshot_id in ancestors_of(closed, known):
        direct.setdefault(snapshot_id, []).append("lineage of a pin")
    lineage = {i: ["lineage"] for i in ancestors_of(direct, known) if i not in direct}
    return Protection(direct, lineage)


def ancestors_of(ids: Iterable[str], known: dict[str, Descriptor]) -> set[str]:
    """Return every ancestor of ``ids``, themselves not unless one descends from another. Raises LineageBroken."""
    found: set[str] = set()
    for snapshot_id in ids:
        child, parent = snapshot_id, known[snapshot_id].parent_snapshot_id
        while parent is not None and parent not in found:
            if parent not in known:
                raise LineageBroken(f"the parent {parent} of {child} is missing", hint="jvs doctor")
            found.add(parent)
            child, parent = parent, known[parent].parent_snapshot_id
    return found


def _named(*values: object) -> Iterable[str]:
    return (value for value in values if isinstance(value, str))
