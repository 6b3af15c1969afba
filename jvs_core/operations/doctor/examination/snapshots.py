"""Checks of snapshots, their annotations and the refs to them."""

from __future__ import annotations

from collections.abc import Iterator

from jvs_core import clock, files
from jvs_core.control import catalog
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.records import annotation, refs
from jvs_core.control.records.damages import DAMAGES, paths_of
from jvs_core.errors import DescriptorCorrupt, JvsError, PartialSnapshot, SnapshotExpired, SnapshotNotFound
from jvs_core.operations import findings, leftovers, stored
from jvs_core.operations.context import Context
from jvs_core.operations.gc import retention
from jvs_core.payload.tree.faults import listed
from jvs_core.results import Finding


def kept(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield snapshots that are gone, incomplete or damaged, and those whose parents are missing."""
    orphans = dict(leftovers.unlogged(ctx.layout, ledger))
    for snapshot_id in leftovers.logged_but_gone(ctx, ledger):
        yield findings.SNAPSHOT_LOST.at(
            snapshot_id, f"snapshot {snapshot_id} is in the log, but it is missing and gc did not remove it"
        )
    busy = leftovers.under_way(ctx)
    for name in leftovers.names(ctx.layout, ".jvs/snapshots"):
        temporary = name.endswith(files.TEMPORARY_SUFFIX)
        if temporary or name in orphans or name in busy or catalog.exists(ctx.layout, name):
            continue
        yield findings.SNAPSHOT_UNKNOWN.at(name, f"snapshot {name} has no descriptor")
    yield from _descriptors(ctx)


def _descriptors(ctx: Context) -> Iterator[Finding]:
    parents: dict[str, str | None] = {}
    for snapshot_id in catalog.ids(ctx.layout):
        try:
            descriptor = catalog.read(ctx.layout, snapshot_id)
            parents[snapshot_id] = descriptor.parent_snapshot_id
            if retention.is_ahead(descriptor, clock.now_ms()):
                yield findings.SNAPSHOT_AHEAD.at(
                    snapshot_id, f"its descriptor says that it was taken at {descriptor.created_at}"
                )
            stored.require_agreement(descriptor, catalog.read_ready(ctx.layout, snapshot_id))
        except (SnapshotExpired, SnapshotNotFound):  # thinned out, or removed since the listing
            continue
        except PartialSnapshot as error:
            yield findings.SNAPSHOT_PARTIAL.at(snapshot_id, error.message)
        except DescriptorCorrupt as error:
            yield findings.DESCRIPTOR_DAMAGED.at(snapshot_id, error.message)
    for snapshot_id, parent in parents.items():
        if parent is not None and not catalog.exists(ctx.layout, parent):
            yield findings.PARENT_MISSING.at(snapshot_id, f"the parent {parent} of {snapshot_id} is missing")
    for snapshot_id in sorted(_circles(parents)):
        yield findings.CIRCLE.at(snapshot_id, f"{snapshot_id} is its own ancestor")


def _circles(parents: dict[str, str | None]) -> set[str]:
    found: set[str] = set()
    done: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        here: str | None = start
        while here is not None and here not in done and here not in path:
            path[here] = len(path)
            here = parents.get(here)
        if here is not None and here in path:
            found.update(list(path)[path[here] :])
        done.update(path)
    return found


def edits(ctx: Context) -> Iterator[Finding]:
    """Yield edits of notes and tags that cannot be read."""
    for snapshot_id in annotation.ids(ctx.layout):
        try:
            annotation.read(ctx.layout, snapshot_id)
        except JvsError as error:
            yield findings.ANNOTATION_DAMAGED.at(snapshot_id, error.message)


def damaged(ctx: Context) -> Iterator[Finding]:
    """Yield snapshots whose content is known to be damaged."""
    found, broken = DAMAGES.readable(ctx.layout)
    for snapshot_id, error in broken.items():
        yield findings.DAMAGE_UNREADABLE.at(snapshot_id, error.message)
    for record in found:
        snapshot_id = record.snapshot_id
        if not catalog.exists(ctx.layout, snapshot_id) or catalog.is_expired(ctx.layout, snapshot_id):
            continue
        if record.unhealed:
            said = "; ".join(record.unhealed)
            yield findings.SNAPSHOT_UNHEALED.at(snapshot_id, f"snapshot {snapshot_id} is damaged: {said}")
            continue
        paths = listed(paths_of(record)) if record.paths else record.code
        more = "" if record.complete or not record.paths else " and maybe more"
        yield findings.SNAPSHOT_DAMAGED.at(snapshot_id, f"snapshot {snapshot_id} is damaged: {paths}{more}")


def names(ctx: Context) -> Iterator[Finding]:
    """Yield refs that cannot be read, or name a snapshot that is missing."""
    found, broken = refs.REFS.readable(ctx.layout)
    for name, error in broken.items():
        yield findings.REF_BROKEN.at(name, error.message)
    for ref in found:
        if not catalog.exists(ctx.layout, ref.snapshot_id):
            yield findings.REF_BROKEN.at(
                ref.name, f"ref {ref.name!r} names {ref.snapshot_id}, which is missing"
            )
