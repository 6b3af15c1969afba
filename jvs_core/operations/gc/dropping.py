"""Planning to drop snapshots, and kept copies of files, that a person names, wherever they lie in the lineage.

The plan is one as any other, and a run of it carries it out. The payload and the manifest go; the descriptor stays as a stub,
so that lineage and log still verify. What something else needs is refused, and the error says what to do about it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.records import kept, pins, plans, worktree
from jvs_core.control.records import runs as records
from jvs_core.errors import GcPlanMismatch, JvsError, SnapshotExpired, SnapshotNotFound
from jvs_core.model import KeptCopy
from jvs_core.operations import kept_removal, runs, stored
from jvs_core.operations.context import Context
from jvs_core.operations.gc import planning, protection
from jvs_core.operations.gc.planning import Choice, Survey
from jvs_core.payload.tree.entry import FILE
from jvs_core.progress import Progress
from jvs_core.results import GcPlan
from jvs_core.wording import counted

_OF_A_PIN = "lineage of a pin"
_NOT_NAMED = "not named"
_SHOWN = 3
_SHARED = "if other snapshots also hold a file, it stays in them: jvs find PATTERN --all names them"


def plan(ctx: Context, name: str, named: Iterable[str], progress: Progress) -> GcPlan:
    """Write down a plan that drops the snapshots and kept copies ``named``, seen from worktree ``name``. See ``Gc.plan``."""
    asked, copies = _resolved(ctx, name, named)
    found = planning.survey(ctx, progress)
    order = [each.snapshot_id for each in planning.newest_first(found.known, found.logged)]
    going = [snapshot_id for snapshot_id in order if snapshot_id in asked]
    _require_free(ctx, found, going)
    reasons = {**found.protected.lineage, **found.protected.direct}
    choice = Choice(
        candidates=going,
        kept={
            each: reasons.get(each, [_NOT_NAMED])
            for each in order
            if each not in asked and each not in found.expired
        },
    )
    return planning.written(
        ctx,
        choice,
        progress,
        policy={plans.DROP: True},
        thinning=True,
        copies=copies,
        notes=[
            *([_SHARED] if going else []),
            *_of_runs(ctx.layout, asked),
            *_of_copies(ctx.layout, going, copies),
        ],
    )


def _resolved(ctx: Context, name: str, named: Iterable[str]) -> tuple[set[str], list[KeptCopy]]:
    """Return the snapshots and the kept copies that are meant. Raises SnapshotNotFound, SnapshotAmbiguous, SnapshotExpired."""
    snapshots: set[str] = set()
    copies: dict[str, KeptCopy] = {}
    for each in named:
        try:
            snapshot_id = ctx.resolve(each, name)
        except SnapshotNotFound:
            copy = _copy(ctx.layout, each)
            if copy is None:
                raise
            copies[each] = copy
            continue
        if catalog.is_expired(ctx.layout, snapshot_id):
            try:
                catalog.require_kept(ctx.layout, snapshot_id)
            except SnapshotExpired as error:
                raise SnapshotExpired(
                    error.message, hint="leave it out: its files are already gone"
                ) from error
        snapshots.add(snapshot_id)
    return snapshots, list(copies.values())


def _copy(layout: Layout, copy_id: str) -> KeptCopy | None:
    if not kept.is_id(copy_id):
        return None
    return next((copy for copy in kept_removal.readable(layout) if copy.copy_id == copy_id), None)


def _require_free(ctx: Context, found: Survey, going: Sequence[str]) -> None:
    """Raise GcPlanMismatch where anything needs one of the snapshots, with all that needs it, and what to do."""
    by_runs = under_way(ctx)
    needed = {
        each: [
            *_needs(ctx, found, each),
            *((f"run {run}", f"wait until it ends: jvs run show {run}") for run in by_runs.get(each, ())),
        ]
        for each in going
        if each in found.protected.direct or each in by_runs
    }
    if not needed:
        return
    told = [
        f"{snapshot_id} is needed: {', '.join(what for what, _ in needs)}"
        for snapshot_id, needs in list(needed.items())[:_SHOWN]
    ]
    more = "; …" if len(needed) > _SHOWN else ""
    cures = dict.fromkeys(cure for needs in needed.values() for _, cure in needs)
    raise GcPlanMismatch(
        f"JVS planned nothing: snapshot {'; '.join(told)}{more}",
        hint=f"first: {'; '.join(cures)}; then run jvs gc plan again",
        needed={snapshot_id: [what for what, _ in needs] for snapshot_id, needs in needed.items()},
    )


def _needs(ctx: Context, found: Survey, snapshot_id: str) -> Iterator[tuple[str, str]]:
    """Yield what needs a snapshot, and what to do so that nothing does."""
    for reason in found.protected.direct.get(snapshot_id, ()):
        what, _, which = reason.rpartition(" ")
        if reason == _OF_A_PIN:
            for pin in _pins_over(ctx, found, snapshot_id):
                yield f"lineage of pin {pin}", _unpin(ctx, pin)
        elif what == "head of":
            yield (
                reason,
                (
                    f"remove what must go from worktree {which!r}, then: jvs snapshot --lock --worktree {shlex.quote(which)}"
                ),
            )
        elif what == "undo of":
            yield reason, f"jvs undo --forget --lock --worktree {shlex.quote(which)}"
        elif what == "ref":
            yield reason, f"jvs ref delete {shlex.quote(which)}"
        elif what == "pin":
            yield reason, _unpin(ctx, which)
        elif what == "view":
            yield reason, f"jvs view --close {shlex.quote(which)}"
        else:
            yield reason.replace("intent ", "under way: "), _ended(which)


def under_way(ctx: Context) -> dict[str, list[str]]:
    """Return the runs that have not ended, by the snapshot that they began at."""
    found: dict[str, list[str]] = {}
    for run in records.read_started(ctx.layout):
        if not runs.is_lost(ctx, run):
            found.setdefault(run.before_snapshot_id, []).append(run.run_id)
    return found


def _ended(operation: str) -> str:
    return f"wait until the {operation.replace('_', ' ')} ends (jvs doctor names one that cannot)"


def _pins_over(ctx: Context, found: Survey, snapshot_id: str) -> Iterator[str]:
    for pin in pins.read_all(ctx.layout):
        stands = pin.lineage and not pins.has_expired(pin) and pin.snapshot_id in found.known
        if stands and snapshot_id in protection.ancestors_of([pin.snapshot_id], found.known, strict=False):
            yield pin.pin_id


def _unpin(ctx: Context, pin_id: str) -> str:
    """Return what lets go of a pin: of one that an in-place restore made, giving up its undo, where that still stands."""
    with suppress(JvsError):
        pin = pins.read(ctx.layout, pin_id)
        for name in worktree.names(ctx.layout) if pin.lineage else ():
            record = worktree.get(ctx.layout, name)
            if pin.snapshot_id in {point.snapshot_id for point in (*record.undo, *record.redo)}:
                return f"jvs undo --forget --lock --worktree {shlex.quote(name)}"
    return f"jvs gc unpin {pin_id}"


def _of_runs(layout: Layout, asked: set[str]) -> list[str]:
    found = [
        run.run_id
        for run in records.read_all(layout)[0]
        if {run.before_snapshot_id, run.after_snapshot_id} & asked
    ]
    if not found:
        return []
    shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    return [
        f"{counted(len(found), 'recorded run')} began or ended with these snapshots, and cannot be reproduced or compared by files afterwards: {shown}"
    ]


def _of_copies(layout: Layout, going: Iterable[str], chosen: Sequence[KeptCopy]) -> list[str]:
    """Say which kept copies hold a file of the snapshots that go, and would stay."""
    others = [copy for copy in kept_removal.readable(layout) if copy not in chosen]
    if not others:
        return []
    digests: set[bytes | None] = set()
    for snapshot_id in going:
        with suppress(JvsError):  # what is damaged can be dropped, too
            digests.update(
                entry.sha256 for entry in stored.entries(layout, snapshot_id) if entry.kind == FILE
            )
    stay = [copy.copy_id for copy in others if bytes.fromhex(copy.sha256) in digests]
    if not stay:
        return []
    options = " ".join(f"--drop {copy_id}" for copy_id in stay[:_SHOWN]) + (
        " …" if len(stay) > _SHOWN else ""
    )
    copies = counted(len(stay), "kept copy of a file of theirs stays", "kept copies of files of theirs stay")
    return [f"{copies}; to drop them too, run jvs gc plan again with: {options}"]
