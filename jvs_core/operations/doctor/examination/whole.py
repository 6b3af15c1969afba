"""Carrying out all checks of a repository; nothing is changed."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from pathlib import Path

from jvs_core.control.audit import ledger as ledgers
from jvs_core.errors import JvsError
from jvs_core.faults import storage_error
from jvs_core.operations import findings
from jvs_core.operations.context import Context
from jvs_core.operations.doctor.examination import control, locks, log, snapshots, worktrees
from jvs_core.operations.gc import aftermath
from jvs_core.operations.log import report as audit
from jvs_core.payload.tree.faults import EXHAUSTED
from jvs_core.results import Finding

_NOT_ABOUT_IT = (*EXHAUSTED, errno.ENOTCONN)
_ORDER = {"error": 0, "warning": 1, "info": 2}


def examine(ctx: Context) -> list[Finding]:
    """Return everything that is not as it should be, errors first.

    A check that fails is a finding itself, and the others go on. Raises EngineFailed only for what says nothing about
    the repository: that this process has no more descriptors, or that the mount is gone.
    """
    checks = [
        control.folders(ctx),
        worktrees.registered(ctx),
        worktrees.repositories_inside(ctx),
        _logged(ctx),
        snapshots.edits(ctx),
        snapshots.damaged(ctx),
        snapshots.names(ctx),
        control.intents(ctx),
        control.run_records(ctx),
        control.kept_copies(ctx),
        locks.held(ctx),
    ]
    found = {
        (finding.code, finding.target, finding.message): finding
        for check in checks
        for finding in _carried_out(ctx, check)
    }
    return sorted(found.values(), key=lambda finding: _ORDER[finding.severity])


def _carried_out(ctx: Context, check: Iterable[Finding]) -> Iterator[Finding]:
    try:
        yield from check
    except (JvsError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno in _NOT_ABOUT_IT:
            raise
        known = storage_error(error) if isinstance(error, OSError) else error
        yield findings.CHECK_FAILED.at(_target(ctx, known.facts.get("path")), known.message)


def _target(ctx: Context, path: object) -> str:
    try:
        return str(Path(str(path)).relative_to(ctx.layout.root))
    except ValueError:
        return ".jvs"


def _logged(ctx: Context) -> Iterator[Finding]:
    found = audit.check(ctx)
    ledger = ledgers.read(ctx.layout)
    checks = [
        log.chain(found),
        snapshots.kept(ctx, ledger),
        control.unowned(ctx, ledger),
        aftermath.examine(ctx, ledger),
        *([log.against(ctx, ledger)] if found.ok else []),
    ]
    for check in checks:
        yield from _carried_out(ctx, check)
