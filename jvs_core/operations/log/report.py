"""The audit log for people: its records, checkpoints of it, and whether it was changed."""

from __future__ import annotations

from pathlib import Path

from jvs_core.control import catalog
from jvs_core.control.audit import chain, checkpoint, log_file
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.chain import ChainReport
from jvs_core.control.records import refs
from jvs_core.errors import AuditChainBroken, InputError, JvsError, RefBroken
from jvs_core.model import AuditRecord, Checkpoint
from jvs_core.operations.at_rest import at_rest
from jvs_core.operations.context import Context
from jvs_core.operations.log import lost
from jvs_core.results import AuditReport


def log(ctx: Context, limit: int | None = None) -> list[AuditRecord]:
    """Return the newest ``limit`` records, newest first. Raises AuditChainBroken, InputError."""
    if limit is not None and limit < 0:
        raise InputError(f"the limit is {limit}, but it must be 0 or more")
    return log_file.tail(ctx.layout, limit)


def make_checkpoint(ctx: Context, key: Path | None = None) -> Checkpoint:
    """Return a checkpoint of the log as it is, signed by the private key in the file ``key`` where one is given.

    Raises AuditChainBroken: no checkpoint is made of a broken log.
    """
    require_sound(ctx)
    made = checkpoint.create(ctx.layout)
    return made if key is None else checkpoint.sign(made, key)


def require_sound(ctx: Context) -> None:
    """Raise AuditChainBroken unless the log is as it was written."""
    error = check(ctx).error
    if error is not None:
        raise AuditChainBroken(error.removeprefix(f"{AuditChainBroken.code}: "), hint="jvs doctor")


def check(
    ctx: Context, *, refs_too: bool = False, since: Checkpoint | None = None, key: Path | None = None
) -> AuditReport:
    """Walk the log's chain to its head and through ``since``; with ``refs_too`` check refs, pins and worktrees against it.

    ``key`` is the public key that ``since`` must be signed with. What is wrong stands in the report. Raises InputError,
    PathNotFound when ``key`` is none.
    """
    doubt = None if since is None and key is None else _doubt(since, key)
    found = _chain(ctx, None if doubt else since)
    error = doubt or found.error or _beginning_error(ctx)
    if error is None and refs_too:
        error = _refs_error(ctx) or _lost_error(ctx)
    return AuditReport(ok=error is None, records=found.records, error=error)


def _beginning_error(ctx: Context) -> str | None:
    """Return what is wrong with the first record: a log begins with the making of a repository or with a repair."""
    for line in log_file.lines(ctx.layout):
        try:
            first = log_file.parse_line(line)
        except AuditChainBroken as error:  # changed since the chain was checked
            return f"{error.code}: {error.message}"
        if first.operation not in ("init", "repair", *ledgers.BEGINNINGS):
            return f"{AuditChainBroken.code}: the log begins with a {first.operation}: the records before it are missing"
        break
    return None


def _doubt(since: Checkpoint | None, key: Path | None) -> str | None:
    """Return what is wrong with a checkpoint itself."""
    if since is None:
        raise InputError(
            "a public key needs a checkpoint to check", hint="jvs verify --since FILE --key FILE"
        )
    try:
        checkpoint.verify_signature(since, key)
    except AuditChainBroken as error:
        return f"{error.code}: {error.message}"
    return None


def _chain(ctx: Context, since: Checkpoint | None) -> ChainReport:
    """Check the chain, once more at rest where anything is wrong: a log is rotated and mended under its readers."""
    found = chain.check(ctx.layout, since)
    if found.ok:
        return found
    with at_rest(ctx):
        return chain.check(ctx.layout, since)


def _refs_error(ctx: Context) -> str | None:
    """Return how the refs differ from the log, None when they don't."""
    found = _refs_against_log(ctx)
    if not found:
        return None
    with at_rest(ctx):
        again = set(_refs_against_log(ctx))
    return next((error for error in found if error in again), None)


def _lost_error(ctx: Context) -> str | None:
    for loss in lost.find(ctx, ledgers.read(ctx.layout)):
        return f"{loss.kind.code}: {loss.message}"
    return None


def _refs_against_log(ctx: Context) -> list[str]:
    try:
        present = {ref.name: ref.snapshot_id for ref in refs.REFS.all(ctx.layout)}
    except JvsError as error:
        return [f"{error.code}: {error.message}"]
    logged = ledgers.read(ctx.layout).refs
    found = []
    for name in sorted(present.keys() | logged.keys()):
        if present.get(name) != logged.get(name):
            found.append(f"ref {name!r} names {present.get(name)}, but the log says {logged.get(name)}")
        elif not catalog.exists(ctx.layout, present[name]):
            found.append(f"ref {name!r} names {present[name]}, which does not exist")
    return [f"{RefBroken.code}: {message}" for message in found]
