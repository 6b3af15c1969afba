"""Carrying out repairs. None deletes the only copy of anything, and each is in the audit log."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from jvs_core.errors import InputError
from jvs_core.operations.context import Context
from jvs_core.operations.doctor import (
    clearing,
    examination,
    heal,
    interrupted,
    log_repair,
    payload_modes,
)
from jvs_core.payload.tree.entry import printable
from jvs_core.progress import Progress
from jvs_core.results import DoctorReport

_IN_ORDER = (
    "advance_head",
    "finish_restore",
    "set_aside",
    "clean_intents",
    "clean_tmp",
    "clean_locks",
    "audit_repair",
    "payload_modes",
    "heal",
)
ACTIONS = _IN_ORDER


def examine(ctx: Context, actions: Sequence[str], *, strict: bool, progress: Progress) -> DoctorReport:
    """Carry out the repairs ``actions`` in a safe order, then report what is still found.

    Healthy means no error, with ``strict`` no warning either. Raises InputError for an unknown action, LockConflict
    when a repair needs the lock of a worktree that somebody holds.
    """
    for action in actions:
        if action not in ACTIONS:
            raise InputError(f"unknown repair {action!r}", hint="one of: " + ", ".join(sorted(ACTIONS)))
    repaired: list[str] = []
    for action in _IN_ORDER:
        if action in actions:
            done = _REPAIRS[action](ctx, progress)
            repaired += [f"{action}: {what}" for what in done]
            _log(ctx, action, done)
    found = examination.examine(ctx)
    bad = ("error", "warning") if strict else ("error",)
    return DoctorReport(
        healthy=not any(finding.severity in bad for finding in found), findings=found, repaired=repaired
    )


def _log(ctx: Context, action: str, done: Sequence[str]) -> None:
    if done and action != "audit_repair":
        with ctx.critical():
            named = [printable(os.fsencode(what)) for what in done]
            ctx.audit("repair", target=action, details={"repaired": named})


_REPAIRS: dict[str, Callable[[Context, Progress], list[str]]] = {
    "advance_head": interrupted.advance_head,
    "finish_restore": interrupted.finish_restore,
    "set_aside": interrupted.set_aside,
    "clean_intents": interrupted.clean_intents,
    "clean_tmp": clearing.clean_tmp,
    "clean_locks": clearing.clean_locks,
    "audit_repair": lambda ctx, progress: log_repair.begin_anew(ctx),
    "payload_modes": payload_modes.mend,
    "heal": heal.heal,
}
