"""Finding what an interrupted gc run left, and undoing or completing it.

The log decides. A removal that it does not hold is taken back from tombstone and trash; one that it holds is
completed. While a gc run is under way, or the log is damaged, nothing is found and nothing touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from jvs_core import clock, files
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation, journal, pins, plans, tombstones
from jvs_core.errors import JvsError
from jvs_core.model import Descriptor, Pin, Tombstone
from jvs_core.operations import findings
from jvs_core.operations.at_rest import at_rest
from jvs_core.operations.context import Context
from jvs_core.operations.gc import running as gc_run
from jvs_core.piecemeal import target_of
from jvs_core.results import Finding

_STALE_PLAN_MS = 30 * 24 * 3600 * 1000


@dataclass(frozen=True)
class Unfinished:
    """Removals to take back (parents first) and to complete (children first), and trash without a tombstone."""

    uncommitted: list[str]
    undeleted: list[str]
    strays: list[str]


def unfinished(ctx: Context, ledger: Ledger) -> Unfinished:
    """Return what an interrupted gc left behind. What is going to be deleted is left to a run that is under way.

    A removal that the log does not hold is none that goes on: a run tombstones, moves and logs in one critical section.
    """
    layout, running = ctx.layout, is_running(ctx)
    standing = sorted(set(tombstones.TOMBSTONES.keys(layout)), key=lambda key: _age(layout, key))
    trash = {name for name in map(target_of, layout.listing(layout.trash())) if catalog.is_id(name)}
    # Listed, too: on JuiceFS a look-up may find what another client removed a moment ago.
    described = set(catalog.ids(layout)).union(annotation.ids(layout))
    return Unfinished(
        [
            key
            for key in standing
            if key not in ledger.removed and (key in trash or layout.snapshot(key).is_dir())
        ],
        [
            key
            for key in reversed(standing)
            if not running
            and key in ledger.removed
            and (key in trash or (key in described and _has_to_be_dropped(layout, key)))
        ],
        sorted(trash - set(standing)),
    )


def examine(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield what is wrong with pins, plans, tombstones and trash."""
    left = unfinished(ctx, ledger)
    if left.uncommitted or left.strays:
        with at_rest(ctx):
            left = unfinished(ctx, ledgers.read(ctx.layout))
    for key in left.uncommitted:
        yield findings.GC_UNFINISHED.at(key, f"the removal of snapshot {key} by gc was not completed")
    for key in left.undeleted:
        yield findings.GC_TRASH.at(
            key, f"snapshot {key} was removed by gc, but some of its files are not deleted yet"
        )
    for key in left.strays:
        yield findings.GC_STRAY.at(key, f"snapshot {key} is in .jvs/gc/trash without a tombstone")
    for key, tombstone in _tombstones(ctx.layout):
        if tombstone is None:
            yield findings.TOMBSTONE_DAMAGED.at(key, f"the tombstone of {key} cannot be read")
        elif tombstone.stub and not _stub_stands(ctx.layout, key, ledger):
            yield findings.STUB_LOST.at(
                key,
                f"the descriptor of the thinned snapshot {key} is missing, is damaged or differs from the log",
            )
    yield from _pins(ctx.layout)
    yield from _plans(ctx.layout)


def unexplained(ctx: Context, ledger: Ledger) -> list[str]:
    """Return the snapshots that have a tombstone and no payload, but whose removal is not in the log."""
    layout = ctx.layout
    suspects = [
        key
        for key in sorted(set(tombstones.TOMBSTONES.keys(layout)) - ledger.removed)
        if not layout.snapshot(key).is_dir() and not layout.trash(key).is_dir()
    ]
    if not suspects:
        return []
    with at_rest(ctx):
        removed = ledgers.read(layout).removed  # a run that went on meanwhile is in it
    return [key for key in suspects if key not in removed]


def mend(ctx: Context, ledger: Ledger) -> list[str]:
    """Carry out what ``findings`` calls ``clean_tmp`` for gc, and say what was done. The caller is in no critical section."""
    done = []
    with ctx.critical():
        left = unfinished(ctx, ledger)
        if not is_running(ctx):
            left_back = [*left.uncommitted, *left.strays]
            done += [f"put back {key}" for key in left_back if _put_back(ctx.layout, key)]
        done += [f"descriptor of {key}" for key in _write_stubs(ctx.layout, ledger)]
        done += [f"pin {pin.pin_id}" for pin in _expired_pins(ctx.layout, ledger)]
        done += [f"plan {plan_id}" for plan_id in _stale_plans(ctx.layout)]
        gc_run.drop_descriptors(ctx, left.undeleted)
    for key in left.undeleted:
        ctx.removal_engine().remove(ctx.layout.trash(key))
        done.append(f"deleted {key}")
    return done


def is_running(ctx: Context) -> bool:
    """Return whether a gc run is under way, or may be on another host."""
    return any(
        intent.operation == gc_run.RUN_INTENT and journal.state(intent, ctx.settings) is not False
        for intent in journal.pending(ctx.layout)[0]
    )


def _age(layout: Layout, snapshot_id: str) -> tuple[int, str]:
    """Return a key that puts parents before their children."""
    with suppress(JvsError):
        tombstone = tombstones.TOMBSTONES.find(layout, snapshot_id)
        if tombstone is not None:
            return clock.parse(str(tombstone.descriptor.get("created_at", ""))), snapshot_id
    return 0, snapshot_id


def _has_to_be_dropped(layout: Layout, snapshot_id: str) -> bool:
    with suppress(JvsError):
        return gc_run.has_to_be_dropped(layout, snapshot_id)
    return False


def _put_back(layout: Layout, snapshot_id: str) -> bool:
    """Make a removed snapshot whole again, its tombstone taken down last; False where its place is taken."""
    trash, place = layout.trash(snapshot_id), layout.snapshot(snapshot_id)
    gc_run.gather(layout, snapshot_id)
    if trash.is_dir():
        if place.exists() or not catalog.exists(layout, snapshot_id):
            return False
        files.rename_durable(trash, place)
    tombstones.TOMBSTONES.remove(layout, snapshot_id, missing_ok=True)
    return True


def _tombstones(layout: Layout) -> Iterator[tuple[str, Tombstone | None]]:
    for key in sorted(set(tombstones.TOMBSTONES.keys(layout))):
        try:
            yield key, tombstones.TOMBSTONES.find(layout, key)
        except JvsError:
            yield key, None


def _stub_stands(layout: Layout, snapshot_id: str, ledger: Ledger) -> bool:
    try:
        return _is_logged(catalog.read(layout, snapshot_id), ledger)
    except (JvsError, OSError):
        return False


def _is_logged(descriptor: Descriptor, ledger: Ledger) -> bool:
    """Return whether a descriptor is the logged one, or none was logged."""
    logged = ledger.snapshots.get(descriptor.snapshot_id)
    return logged is None or (
        descriptor.descriptor_checksum is not None and descriptor.descriptor_checksum.value == logged[0]
    )


def _write_stubs(layout: Layout, ledger: Ledger) -> Iterator[str]:
    for key, tombstone in _tombstones(layout):
        if tombstone is None or not tombstone.stub or _stub_stands(layout, key, ledger):
            continue
        place = layout.descriptor(key)
        descriptor = logged_descriptor(tombstone, ledger)
        # What is neither a file nor a link is not replaced: a folder may hold anything.
        if descriptor is not None and (place.is_file() or not os.path.lexists(place) or place.is_symlink()):
            files.write_atomic(place, catalog.encode(descriptor), mode=layout.file_mode)
            yield key


def logged_descriptor(tombstone: Tombstone, ledger: Ledger) -> Descriptor | None:
    """Return the descriptor that a tombstone keeps, None where it is damaged or not the one that was logged."""
    with suppress(ValueError):  # pydantic's error is one
        descriptor = Descriptor.model_validate(tombstone.descriptor)
        if (
            descriptor.snapshot_id == tombstone.snapshot_id
            and descriptor.descriptor_checksum == catalog.checksum(descriptor)
            and _is_logged(descriptor, ledger)
        ):
            return descriptor
    return None


def _pins(layout: Layout) -> Iterator[Finding]:
    for pin_id in pins.PINS.keys(layout):
        try:
            pin = pins.read(layout, pin_id)
        except JvsError as error:
            yield findings.PIN_DAMAGED.at(pin_id, error.message)
            continue
        if pins.has_expired(pin):
            yield findings.PIN_EXPIRED.at(pin_id, f"it protected {pin.snapshot_id} until {pin.expires_at}")
        elif not catalog.exists(layout, pin.snapshot_id):
            yield findings.PIN_DANGLING.at(pin_id, f"it names {pin.snapshot_id}, which is missing")


def _expired_pins(layout: Layout, ledger: Ledger) -> Iterator[Pin]:
    """Remove the pins that protect nothing any more, and whose end is the one that was logged, if any was."""
    for pin_id in pins.PINS.keys(layout):
        with suppress(JvsError):
            pin = pins.read(layout, pin_id)
            logged = ledger.pins.get(pin_id)
            if pins.has_expired(pin) and (logged is None or logged[1] == pin.expires_at):
                yield pins.delete(layout, pin_id)


def _plans(layout: Layout) -> Iterator[Finding]:
    for plan_id in plans.PLANS.keys(layout):
        try:
            plan = plans.read(layout, plan_id)
        except JvsError as error:
            yield findings.PLAN_DAMAGED.at(plan_id, error.message)
            continue
        if plan.finished_at is None and clock.now_ms() > clock.parse(plan.created_at) + _STALE_PLAN_MS:
            yield findings.PLAN_OPEN.at(plan_id, f"planned at {plan.created_at} and never run")


def _stale_plans(layout: Layout) -> Iterator[str]:
    for finding in _plans(layout):
        with suppress(IsADirectoryError):  # what it holds is nobody's to remove
            plans.PLANS.remove(layout, finding.target)
            yield finding.target
