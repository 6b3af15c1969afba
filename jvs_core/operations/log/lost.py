"""Finding what the audit log has and the repository lost, or has in another state.

Worktrees, heads, labels, refs, pins, annotations and runs. All but the runs keep snapshots, annotations by the tags that
they give. Without it gc would take those for needed by nobody, so gc refuses to work until it is back, or somebody let it
go on purpose: ``worktree remove``, ``ref delete`` and ``gc unpin`` take what only the log knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from jvs_core import clock
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit import log_file
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.records import pins, refs, worktree
from jvs_core.errors import AuditChainBroken, JvsError, PinNotFound, RefBroken, WorktreeNotFound
from jvs_core.model import AuditRecord, Pin, Ref
from jvs_core.operations import findings
from jvs_core.operations.at_rest import at_rest, own_intents
from jvs_core.operations.context import Context
from jvs_core.operations.findings import Loss
from jvs_core.operations.log import annotation_differences, differences

_HINT = "jvs doctor"


_ERRORS: dict[str, type[JvsError]] = {
    findings.REF_LOST.code: RefBroken,
    findings.PIN_LOST.code: PinNotFound,
    findings.WORKTREE_UNREGISTERED.code: WorktreeNotFound,
}
_PROTECT_NOTHING = (findings.RUN_FOREIGN, findings.RUN_UNNAMED, findings.RUN_REMAINS)


def find(ctx: Context, ledger: Ledger) -> list[Loss]:
    """Return what is lost. What a first look finds is looked at again while nobody changes anything."""
    found = list(_look(ctx, ledger))
    if not found:
        return []
    with at_rest(ctx):
        again = set(_look(ctx, ledgers.read(ctx.layout)))
    return [loss for loss in found if loss in again]


def require_none(ctx: Context, ledger: Ledger) -> None:
    """Raise WorktreeNotFound, RefBroken, PinNotFound or AuditChainBroken for the first loss of what keeps snapshots."""
    for loss in find(ctx, ledger):
        if loss.kind not in _PROTECT_NOTHING:
            raise _ERRORS.get(loss.kind.code, AuditChainBroken)(loss.message, hint=_HINT)


def let_go_worktree(ctx: Context, name: str) -> bool:
    """Record that a worktree whose registration was lost is gone; return False where the log has no such worktree."""
    with ctx.critical():
        gone = [
            key
            for key, called in ledgers.read(ctx.layout).worktrees.items()
            if called == name and name not in worktree.names(ctx.layout)
        ]
        for worktree_id in gone:
            ctx.audit(
                "worktree_remove",
                worktree=name,
                worktree_id=worktree_id,
                target=name,
                details={"lost": True},
            )
    return bool(gone)


def ref(layout: Layout, name: str) -> Ref | None:
    """Return a ref as the log has it, None where the log knows of none. Raises AuditChainBroken."""
    snapshot_id = ledgers.read(layout).refs.get(name)
    if snapshot_id is None:
        return None
    made = _making(layout, "ref_create", name)
    return Ref(
        name=name,
        snapshot_id=snapshot_id,
        note=made.reason or "",
        created_at=made.timestamp,
        created_by=made.actor,
    )


def pin(layout: Layout, pin_id: str) -> Pin | None:
    """Return a pin as the log has it, None where the log knows of none. Raises AuditChainBroken."""
    logged = ledgers.read(layout).pins.get(pin_id)
    if logged is None:
        return None
    made = _making(layout, "gc_pin", pin_id)
    return Pin(
        pin_id=pin_id,
        snapshot_id=logged[0],
        reason=made.reason or "",
        created_at=made.timestamp,
        created_by=made.actor,
        expires_at=logged[1],
    )


def _making(layout: Layout, operation: str, target: str) -> AuditRecord:
    """Return the record of the making of something, or that of the repair with which the log begins."""
    records = log_file.tail(layout)
    return next((r for r in records if (r.operation, r.target) == (operation, target)), records[-1])


def _look(ctx: Context, ledger: Ledger) -> Iterator[Loss]:
    layout = ctx.layout
    changing = {
        value
        for intent in own_intents(ctx)
        if intent.operation in ("worktree_remove", "ref_create", "ref_delete")
        for value in (intent.worktree_id, intent.details.get("ref"))
        if isinstance(value, str)
    }
    yield from _worktrees(layout, ledger, changing)
    yield from _refs(layout, ledger, changing)
    yield from _pins(layout, ledger)
    yield from differences.differing(ctx, ledger)
    yield from differences.forged_runs(layout, ledger)
    yield from annotation_differences.differing(layout, ledger)


def _worktrees(layout: Layout, ledger: Ledger, changing: set[str]) -> Iterator[Loss]:
    there: set[str] = set()
    unreadable: set[str] = set()
    for name in worktree.names(layout):
        try:
            there.add(worktree.get(layout, name).worktree_id)
        except JvsError:
            unreadable.add(name)
    there |= changing
    for worktree_id, name in ledger.worktrees.items():
        if worktree_id not in there and name not in unreadable:
            yield Loss(
                findings.WORKTREE_UNREGISTERED,
                name,
                f"worktree {name!r}, which is in the log, is not registered",
            )


def _refs(layout: Layout, ledger: Ledger, changing: set[str]) -> Iterator[Loss]:
    found, broken = refs.REFS.readable(layout)
    there = {ref.name: ref.snapshot_id for ref in found}
    for name, snapshot_id in ledger.refs.items():
        if there.get(name) != snapshot_id and name not in changing and name not in broken:
            names = f"names {there[name]}" if name in there else "is gone"
            yield Loss(
                findings.REF_LOST, name, f"ref {name!r} {names}, but the log says that it names {snapshot_id}"
            )


def _pins(layout: Layout, ledger: Ledger) -> Iterator[Loss]:
    now = clock.now_ms()
    for pin_id, (snapshot_id, end) in ledger.pins.items():
        if snapshot_id in ledger.removed or (end is not None and now >= clock.parse(end)):
            continue  # it protects nothing
        until = f"until {end}" if end else "for good"
        try:
            there = pins.read(layout, pin_id)
        except PinNotFound:
            yield Loss(
                findings.PIN_LOST,
                pin_id,
                f"pin {pin_id} is missing; in the log it keeps {snapshot_id} {until}",
            )
        except JvsError:
            continue
        else:
            if (there.snapshot_id, there.expires_at) != (snapshot_id, end):
                yield Loss(
                    findings.PIN_LOST,
                    pin_id,
                    f"pin {pin_id} was changed; in the log it keeps {snapshot_id} {until}",
                )
