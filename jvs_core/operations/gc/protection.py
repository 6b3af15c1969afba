"""Which snapshots gc must keep, and why. Whatever cannot be read stops gc."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.control.records import journal, pins, refs, worktree
from jvs_core.errors import DescriptorCorrupt, LineageBroken, WorktreeNotFound
from jvs_core.model import Descriptor

Claim = tuple[str, str, bool]


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


def refresh(layout: Layout, known: dict[str, Descriptor]) -> None:
    """Bring ``known`` to the present: descriptors never change, so only new ones are read. Raises as ``descriptors``."""
    present = catalog.ids(layout)
    for gone in known.keys() - set(present):
        del known[gone]
    for snapshot_id in present:
        if snapshot_id not in known:
            known[snapshot_id] = catalog.read(layout, snapshot_id)


def read(layout: Layout, known: dict[str, Descriptor]) -> Protection:
    """Return what protects the snapshots ``known``.

    Raises DescriptorCorrupt, RefBroken, LineageBroken or WorktreeNotFound when a ref, pin, intent, worktree or parent
    cannot be read, or ``main`` is not registered.
    """
    direct: dict[str, list[str]] = {}
    closed: set[str] = set()

    def protect(snapshot_id: str, reason: str, ancestors: bool) -> None:
        if snapshot_id not in known:
            raise LineageBroken(f"{reason} needs snapshot {snapshot_id}, which is missing", hint="jvs doctor")
        direct.setdefault(snapshot_id, []).append(reason)
        if ancestors:
            closed.add(snapshot_id)

    for claim in (*_of_worktrees(layout), *_of_refs_and_pins(layout), *_of_intents(layout, known)):
        protect(*claim)
    for snapshot_id in ancestors_of(closed, known):
        direct.setdefault(snapshot_id, []).append("lineage of a pin")
    lineage = {i: ["lineage"] for i in ancestors_of(direct, known) if i not in direct}
    return Protection(direct, lineage)


def ancestors_of(ids: Iterable[str], known: dict[str, Descriptor], *, strict: bool = True) -> set[str]:
    """Return every ancestor of ``ids``, without ``ids`` themselves, unless one descends from another.

    Raises LineageBroken where a parent is missing; not ``strict``, the line ends there.
    """
    found: set[str] = set()
    for snapshot_id in ids:
        child, parent = snapshot_id, known[snapshot_id].parent_snapshot_id
        while parent is not None and parent not in found:
            if parent not in known:
                if strict:
                    raise LineageBroken(f"the parent {parent} of {child} is missing", hint="jvs doctor")
                break
            found.add(parent)
            child, parent = parent, known[parent].parent_snapshot_id
    return found


def by_depth(known: dict[str, Descriptor]) -> dict[str, int]:
    """Return the length of the line above each snapshot, as far as it is known. Raises LineageBroken for a circle."""
    depth: dict[str, int] = {}
    for start in known:
        line: list[str] = []
        here: str | None = start
        while here is not None and here in known and here not in depth:
            line.append(here)
            if len(line) > len(known):
                raise LineageBroken(f"the lineage of {start} contains a loop", hint="jvs doctor")
            here = known[here].parent_snapshot_id
        above = depth.get(here, -1) if here is not None else -1
        depth.update((key, above + number) for number, key in enumerate(reversed(line), 1))
    return depth


def _of_worktrees(layout: Layout) -> Iterator[Claim]:
    now = clock.now_ms()
    names = worktree.names(layout)
    if MAIN not in names:
        raise WorktreeNotFound(
            "worktree main is not registered, so JVS does not know which snapshots it needs",
            hint="jvs doctor",
        )
    for name in names:
        record = worktree.get(layout, name)
        if record.head_snapshot_id is not None:
            yield record.head_snapshot_id, f"head of {name}", False
        for point in (*record.undo, *record.redo):
            if point.head_snapshot_id is not None and now < clock.parse(point.restored_at) + pins.UNDO_MS:
                yield point.head_snapshot_id, f"undo of {name}", False


def _of_refs_and_pins(layout: Layout) -> Iterator[Claim]:
    for ref in refs.REFS.all(layout):
        yield ref.snapshot_id, f"ref {ref.name}", False
    for pin in pins.read_all(layout):
        if not pins.has_expired(pin):
            yield pin.snapshot_id, f"pin {pin.pin_id}", pin.lineage


def _of_intents(layout: Layout, known: dict[str, Descriptor]) -> Iterator[Claim]:
    pending, unreadable = journal.pending(layout)
    if unreadable:
        raise DescriptorCorrupt(f"intent {unreadable[0]} is damaged", hint="jvs doctor")
    for intent in pending:
        for value in _texts((intent.snapshot_id, intent.details)):
            if value in known:
                view = f"view {intent.details['tree']}" if intent.operation == "view" else None
                yield value, view or f"intent {intent.operation}", False


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value: an intent may name snapshots anywhere in its details."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
