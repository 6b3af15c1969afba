"""Carrying out a plan: tombstones, then payloads renamed into ``gc/trash``, then the log, then deletion.

Its steps, each of which may be the last: ``read`` (descriptors), ``intent``, and for every batch, in the repository's
critical section, ``validate``, ``tombstone``, ``trash``, ``audit``; then ``drop`` (descriptors that nothing needs),
``delete`` (the trash), ``copies`` (kept ones that a person named), ``finish`` (the plan). The audit record commits a batch. Until it, a snapshot can be put back
from its tombstone and the trash, which ``doctor`` does; after it, the same plan run again deletes the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from jvs_core import clock, files, syncing
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import annotation, damages, journal, plans, tombstones
from jvs_core.errors import GcPlanMismatch, JvsError, PartialSnapshot
from jvs_core.faults import storage_error
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Descriptor, Intent, Plan, Tombstone
from jvs_core.operations import kept_removal
from jvs_core.operations.context import Context, step
from jvs_core.operations.gc import dropping, protection
from jvs_core.operations.gc.planning import storage_notes
from jvs_core.operations.log import lost, report
from jvs_core.payload import manifest
from jvs_core.payload.copy import tree_attributes
from jvs_core.payload.engines.footprint import Footprint
from jvs_core.payload.tree.entry import FOLDER
from jvs_core.payload.tree.removal import require_movable
from jvs_core.progress import Progress
from jvs_core.results import GcFailure, GcRun

RUN_INTENT = "gc_run"
BATCH = 500


@dataclass
class _State:
    """The state of a run: the ledger, descriptors, what is still to be removed, what is removed, and what failed."""

    ledger: Ledger
    known: dict[str, Descriptor]
    waiting: set[str]
    committed: list[str]
    failed: dict[str, JvsError] = field(default_factory=dict)


def run(ctx: Context, plan_id: str, progress: Progress) -> GcRun:
    """Carry out a plan, or the rest of one that was interrupted. See ``repository.gc.run``."""
    plan = plans.to_carry_out(ctx.layout, plan_id)
    if plan.finished_at is not None:
        note = f"plan {plan_id} was already carried out at {plan.finished_at}; there is nothing to do"
        return GcRun(plan_id=plan_id, deleted=[], failed=[], reclaimed_bytes=0, notes=[note])
    with step(progress, "read"):
        state = _survey(ctx, plan)
    with step(progress, "intent"):
        intent = ctx.begin(RUN_INTENT, plan_id=plan_id)
    try:
        for number, batch in enumerate(_batches(_children_first(state))):
            _commit(ctx, plan, intent, batch, state, progress, all_or_nothing=number == 0)
        with step(progress, "drop"):
            drop_descriptors(ctx, state.committed)
        reclaimed = _delete(ctx, state, progress)
        with step(progress, "copies", len(plan.copies)):
            copies, freed = _remove_copies(ctx, plan, state)
        with step(progress, "finish"):
            if not state.failed:
                with ctx.critical():
                    plans.finish(ctx.layout, plan)
    finally:
        journal.complete(ctx.layout, intent)
    return GcRun(
        plan_id=plan_id,
        deleted=[key for key in state.committed if key not in state.failed],
        failed=[
            GcFailure(snapshot_id=key, error=f"{e.code}: {e.message}{_cure(e)}")
            for key, e in state.failed.items()
        ],
        reclaimed_bytes=reclaimed + freed,
        notes=storage_notes(ctx) if state.committed or copies else [],
        copies=copies,
    )


def _remove_copies(ctx: Context, plan: Plan, state: _State) -> tuple[list[str], int]:
    """Remove the kept copies of a plan that are still there; return their ids and bytes. One that cannot go has failed."""
    gone: list[str] = []
    freed = 0
    named = set(plan.copies)
    for copy in (
        [each for each in kept_removal.readable(ctx.layout) if each.copy_id in named] if named else ()
    ):
        try:
            removed, size = kept_removal.remove(ctx, [copy])
        except (JvsError, OSError) as error:  # another user's, say; all else of the plan goes on
            state.failed[copy.copy_id] = storage_error(error) if isinstance(error, OSError) else error
            continue
        gone += removed
        freed += size
    return gone, freed


def _cure(error: JvsError) -> str:
    return f" ({error.hint})" if error.hint else ""


def drop_descriptors(ctx: Context, snapshot_ids: Iterable[str]) -> list[str]:
    """Remove the descriptors of removed snapshots that are no stubs, in the order given, and return their ids.

    Their annotations go last, which a stub keeps; and what was remembered of damage to any of them.
    """
    removed = list(snapshot_ids)
    dropped = [key for key in removed if has_to_be_dropped(ctx.layout, key)]
    for snapshot_id in dropped:
        files.unlink(ctx.layout.descriptor(snapshot_id), missing_ok=True)
    if dropped:
        syncing.sync_folder(ctx.layout.descriptors)
    for snapshot_id in dropped:
        annotation.remove_all(ctx.layout, snapshot_id)
    for snapshot_id in removed:
        files.unlink(damages.DAMAGES.place(ctx.layout, snapshot_id), missing_ok=True)
    return dropped


def has_to_be_dropped(layout: Layout, snapshot_id: str) -> bool:
    """Return whether a removed snapshot that is no stub still has a descriptor or annotations."""
    tombstone = tombstones.TOMBSTONES.find(layout, snapshot_id)
    return (
        tombstone is not None
        and not tombstone.stub
        and (catalog.exists(layout, snapshot_id) or os.path.lexists(layout.annotations(snapshot_id)))
    )


def _survey(ctx: Context, plan: Plan) -> _State:
    """Find out how far an earlier run came; what its log records name has only to be deleted."""
    report.require_sound(ctx)
    ledger = ledgers.read(ctx.layout)
    lost.require_none(ctx, ledger)
    known = protection.descriptors(ctx.layout)
    standing = set(tombstones.TOMBSTONES.keys(ctx.layout))
    mine = {key for key in plan.candidates if key in standing and _is_of(ctx, key, plan)}
    depth = protection.by_depth(known)
    committed = sorted(mine & ledger.removed, key=lambda key: depth.get(key, -1), reverse=True)
    return _State(ledger, known, set(plan.candidates) - set(committed), committed)


def _is_of(ctx: Context, snapshot_id: str, plan: Plan) -> bool:
    tombstone = tombstones.TOMBSTONES.find(ctx.layout, snapshot_id)
    return tombstone is not None and tombstone.plan_id == plan.plan_id


def _children_first(state: _State) -> list[str]:
    """Order what is to go so that a snapshot that must stay after all finds its ancestors still there."""
    depth = protection.by_depth(state.known)
    return sorted(state.waiting, key=lambda key: (depth.get(key, -1), key), reverse=True)


def _batches(snapshot_ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(snapshot_ids), BATCH):
        yield snapshot_ids[start : start + BATCH]


def _commit(
    ctx: Context,
    plan: Plan,
    intent: Intent,
    batch: list[str],
    state: _State,
    progress: Progress,
    *,
    all_or_nothing: bool,
) -> None:
    """Remove one batch from the readers' view and log it.

    A process that was stopped for so long that the lock may be another's by now goes no further: it raises
    FencingMismatch. What appeared since the plan keeps its snapshot; in the first batch it stops the whole run.
    """
    if syncing.syncfs_works(ctx.layout.gc):
        syncing.sync_file_system(ctx.layout.gc)  # what others wrote is not waited for in the critical section
    with uninterrupted(), ctx.critical():
        with step(progress, "validate"):
            journal.require(ctx.layout, intent)
            refused = _refused(ctx, plan, state, state.waiting if all_or_nothing else batch)
            if refused and all_or_nothing:
                raise _mismatch(plan, refused)
            state.failed.update(refused)
            state.waiting -= refused.keys()
            going = [key for key in batch if key not in refused]
        with step(progress, "tombstone", len(going)):
            going = _require_present(ctx, going, state)
            needed = protection.ancestors_of(state.known.keys() - state.waiting, state.known, strict=False)
            removed_at = clock.timestamp()
            tombstones.write(
                ctx.layout,
                [
                    Tombstone(
                        snapshot_id=key,
                        plan_id=plan.plan_id,
                        removed_at=removed_at,
                        removed_by=ctx.settings.holder_id,
                        stub=key in needed or plans.DROP in plan.policy,
                        dropped=plans.DROP in plan.policy,
                        descriptor=state.known[key].to_json(),
                    )
                    for key in going
                ],
            )
        with step(progress, "trash", len(going)):
            for key in going:
                critical.require(ctx.layout.repository_lock)
                if ctx.layout.snapshot(key).exists():
                    files.rename_new(ctx.layout.snapshot(key), ctx.layout.trash(key))
            syncing.sync_folder(ctx.layout.trash())
            syncing.sync_folder(ctx.layout.snapshots)
        with step(progress, "audit"):
            critical.require(ctx.layout.repository_lock)
            if going:
                ctx.audit(RUN_INTENT, target=plan.plan_id, details={"deleted": sorted(going)})
        state.committed.extend(going)


def _refused(ctx: Context, plan: Plan, state: _State, asked: Iterable[str]) -> dict[str, JvsError]:
    """Return which of the snapshots ``asked`` for must stay, according to the refs, pins, heads and intents of this moment."""
    lost.require_none(ctx, state.ledger)
    protection.refresh(ctx.layout, state.known)
    protected = protection.read(ctx.layout, state.known)
    needed = protected.direct if plan.thinning else {**protected.lineage, **protected.direct}
    standing = set(tombstones.TOMBSTONES.keys(ctx.layout))
    keeping = plans.keeping_tags(plan)
    automatic = plans.TIMELINE in plan.policy
    edited = set(annotation.ids(ctx.layout)) if keeping or automatic else set()
    under_way = dropping.under_way(ctx) if plans.DROP in plan.policy else {}
    refused: dict[str, JvsError] = {}
    for key in sorted(asked):
        if key in needed:
            refused[key] = GcPlanMismatch(f"{key} is needed now: {', '.join(needed[key])}")
        elif key not in state.known or (key in standing and not _is_of(ctx, key, plan)):
            refused[key] = GcPlanMismatch(f"{key} was removed in the meantime, but not by this plan")
        elif key in under_way:
            refused[key] = GcPlanMismatch(f"{key} is needed now: run {', '.join(under_way[key])}")
        elif key in edited and automatic:
            refused[key] = GcPlanMismatch(f"{key} now has a note or a tag that a person gave it")
        elif key in edited and (
            now := keeping.intersection(catalog.shown(ctx.layout, state.known[key]).tags)
        ):
            refused[key] = GcPlanMismatch(f"{key} now has a tag that keeps it: {', '.join(sorted(now))}")
    return refused


def _require_present(ctx: Context, going: list[str], state: _State) -> list[str]:
    """Return those whose payload lies in place, or in the trash, and can go; a damaged one is not for gc to remove."""
    found = []
    for key in going:
        gather(ctx.layout, key)
        try:
            require_movable(ctx.layout.snapshot(key))
        except JvsError as error:
            state.waiting.discard(key)
            state.failed[key] = error
            continue
        if ctx.layout.snapshot(key).is_dir() or ctx.layout.trash(key).is_dir():
            found.append(key)
            continue
        state.waiting.discard(key)
        state.failed[key] = PartialSnapshot(f"snapshot {key} has no payload", hint=f"jvs verify {key}")
    return found


def gather(layout: Layout, snapshot_id: str) -> None:
    """Put a snapshot together again that a crash left in pieces on its way to the trash; its manifest knows the times."""
    if files.undo_rename(layout.snapshot(snapshot_id), layout.trash(snapshot_id)):
        with suppress(JvsError):  # what else is wrong with it, verify says
            entries = manifest.read(layout.manifest(snapshot_id))
            tree_attributes.restore(
                layout.payload(snapshot_id), [entry for entry in entries if entry.kind == FOLDER]
            )


def _mismatch(plan: Plan, refused: dict[str, JvsError]) -> GcPlanMismatch:
    shown = "; ".join(error.message for error in list(refused.values())[:3]) + (
        "; …" if len(refused) > 3 else ""
    )
    return GcPlanMismatch(
        f"plan {plan.plan_id} is outdated, JVS deleted nothing: {shown}", hint="jvs gc plan"
    )


def _delete(ctx: Context, state: _State, progress: Progress) -> int:
    """Delete what lies in the trash for this plan; return the bytes that gave back."""
    reclaimed = 0
    engine = ctx.removal_engine()
    with step(progress, "delete", len(state.committed)):
        for key in state.committed:
            trash = ctx.layout.trash(key)
            try:
                if trash.exists():
                    freed = Footprint().add(trash / "payload")
                    engine.remove(trash)
                    reclaimed += freed
            except JvsError as error:
                if trash.exists():  # else another run of the plan deleted it at the same time
                    state.failed[key] = error
            progress.advanced()
        syncing.sync_folder(ctx.layout.trash())
    return reclaimed
