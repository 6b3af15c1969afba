"""Finding what is wrong with a repository. Looking changes nothing; ``repair`` mends what it names."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from jvs_core import clock, files, regular
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import CONTROL_FOLDERS
from jvs_core.control.lock import leases, lock
from jvs_core.control.names import MAIN
from jvs_core.control.records import annotation, journal, refs, runs, worktree
from jvs_core.control.records.damages import DAMAGES, paths_of
from jvs_core.errors import (
    DescriptorCorrupt,
    JvsError,
    PartialSnapshot,
    PathEscape,
    SnapshotExpired,
    SnapshotNotFound,
    WorktreeNotFound,
)
from jvs_core.operations import findings, remains, stored
from jvs_core.operations.context import Context
from jvs_core.operations.gc import aftermath, retention
from jvs_core.operations.inplace import unfinished
from jvs_core.operations.inplace.unfinished import PATH_INTENT, RESTORE_INTENT
from jvs_core.operations.log import lost
from jvs_core.operations.log import report as audit
from jvs_core.payload.inplace import inner
from jvs_core.payload.tree.faults import EXHAUSTED, listed
from jvs_core.results import AuditReport, Finding

MANY_LEASES = 100  # every acquisition leaves one, and a few cost nothing
_NEVER_EMPTY = (".jvs/worktrees", ".jvs/audit")
_NOT_ABOUT_IT = (*EXHAUSTED, errno.ENOTCONN)
_ORDER = {"error": 0, "warning": 1, "info": 2}


def examine(ctx: Context) -> list[Finding]:
    """Return everything that is not as it should be, errors first.

    A check that fails is a finding itself, and the others go on. Raises EngineFailed only for what says nothing about
    the repository: that this process has no more descriptors, or that the mount is gone.
    """
    checks = [
        _layout(ctx),
        _worktrees(ctx),
        _repositories_inside(ctx),
        _logged(ctx),
        _annotations(ctx),
        _damage(ctx),
        _refs(ctx),
        _intents(ctx),
        _runs(ctx),
        _locks(ctx),
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
        known = files.storage_error(error) if isinstance(error, OSError) else error
        yield findings.CHECK_FAILED.at(_target(ctx, known.facts.get("path")), known.message)


def _target(ctx: Context, path: object) -> str:
    try:
        return str(Path(str(path)).relative_to(ctx.layout.root))
    except ValueError:
        return ".jvs"


def _logged(ctx: Context) -> Iterator[Finding]:
    log = audit.check(ctx)
    ledger = ledgers.read(ctx.layout)
    checks = [
        _audit(log),
        _snapshots(ctx, ledger),
        _leftovers(ctx, ledger),
        aftermath.examine(ctx, ledger),
        *([_against_log(ctx, ledger)] if log.ok else []),
    ]
    for check in checks:
        yield from _carried_out(ctx, check)


def without_folder(ctx: Context) -> Iterator[tuple[str, bool]]:
    """Yield the worktrees whose folder is missing, and whether it held nothing that a snapshot knows of.

    That of one which is being made, removed or renamed is on its way.
    """
    intents = journal.pending(ctx.layout)[0]
    pending = {name for intent in intents for name in (intent.worktree, intent.details.get("new_name"))}
    for name in worktree.names(ctx.layout):
        try:
            record = worktree.get(ctx.layout, name)
            if not ctx.layout.worktree(name).is_dir() and name not in pending:
                yield name, record.head_snapshot_id is None
        except JvsError:
            continue


def _layout(ctx: Context) -> Iterator[Finding]:
    for folder in (*(f".jvs/{name}" for name in CONTROL_FOLDERS), "worktrees"):
        try:
            found = os.lstat(ctx.layout.root / folder)
        except NotADirectoryError:
            continue  # what it should lie in is named
        except FileNotFoundError:
            kind = findings.FOLDER_LOST if folder in _NEVER_EMPTY else findings.FOLDER_MISSING
            if folder != "worktrees":
                yield kind.at(folder, "folder is missing")
            continue
        if not stat.S_ISDIR(found.st_mode):
            yield findings.FOLDER_REPLACED.at(folder, regular.irregular(ctx.layout.root / folder, "folder"))
    if regular.is_irregular(ctx.layout.repository_lock):
        yield findings.LOCK_REPLACED.at(
            ".jvs/locks/repository", regular.irregular(ctx.layout.repository_lock)
        )
    if not ctx.layout.config.is_file():
        yield findings.CONFIG_MISSING.at(".jvs/config.toml", "no configuration; defaults apply")


def _worktrees(ctx: Context) -> Iterator[Finding]:
    known = worktree.names(ctx.layout)
    if MAIN not in known:
        yield findings.WORKTREE_LOST.at(MAIN, "worktree main is not registered")
    for name, empty in without_folder(ctx):
        kind = findings.WORKTREE_EMPTY if empty else findings.WORKTREE_LOST
        yield kind.at(name, f"the folder of worktree {name!r} is missing")
    for name in known:
        yield from _worktree(ctx, name)
    pending = {intent.worktree for intent in journal.pending(ctx.layout)[0]}
    for name in remains.names(ctx.layout, "worktrees"):
        if name not in known and not name.startswith(".") and name not in pending:
            yield findings.WORKTREE_UNKNOWN.at(f"worktrees/{name}", "a folder that is no registered worktree")


def _worktree(ctx: Context, name: str) -> Iterator[Finding]:
    try:
        head = worktree.get(ctx.layout, name).head_snapshot_id
        ctx.layout.worktree(name)
    except WorktreeNotFound:
        return  # removed or renamed since the listing
    except PathEscape as error:
        yield findings.WORKTREE_ESCAPES.at(name, error.message)
        return
    except DescriptorCorrupt as error:
        kind = findings.HEAD_DAMAGED if _is_configured(ctx, name) else findings.WORKTREE_DAMAGED
        yield kind.at(name, error.message)
        return
    if head is None:
        return
    if not catalog.exists(ctx.layout, head):
        yield findings.HEAD_MISSING.at(name, f"the head {head} of worktree {name!r} is missing")
    elif catalog.is_expired(ctx.layout, head):
        yield findings.HEAD_MISSING.at(name, f"the head {head} of worktree {name!r} was removed by gc")


def _is_configured(ctx: Context, name: str) -> bool:
    try:
        worktree.get_config(ctx.layout, name)
    except JvsError:
        return False
    return True


def _repositories_inside(ctx: Context) -> Iterator[Finding]:
    for name in worktree.names(ctx.layout):
        try:
            inside = inner.repositories(ctx.layout.worktree(name))
        except PathEscape:
            continue  # it is named
        if inside:
            yield findings.REPOSITORY_INSIDE.at(name, f"worktree {name!r} holds {listed(inside)}")


def _snapshots(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    orphans = dict(remains.unlogged(ctx.layout, ledger))
    for snapshot_id in remains.logged_but_gone(ctx, ledger):
        yield findings.SNAPSHOT_LOST.at(snapshot_id, f"snapshot {snapshot_id} is logged, but gone without gc")
    busy = remains.under_way(ctx)
    for name in remains.names(ctx.layout, ".jvs/snapshots"):
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
                    snapshot_id, f"it says that it was taken at {descriptor.created_at}"
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


def _annotations(ctx: Context) -> Iterator[Finding]:
    for snapshot_id in annotation.ids(ctx.layout):
        try:
            annotation.read(ctx.layout, snapshot_id)
        except JvsError as error:
            yield findings.ANNOTATION_DAMAGED.at(snapshot_id, error.message)


def _damage(ctx: Context) -> Iterator[Finding]:
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
        more = "" if record.complete or not record.paths else " and perhaps more"
        yield findings.SNAPSHOT_DAMAGED.at(snapshot_id, f"snapshot {snapshot_id} is damaged: {paths}{more}")


def _refs(ctx: Context) -> Iterator[Finding]:
    found, broken = refs.REFS.readable(ctx.layout)
    for name, error in broken.items():
        yield findings.REF_BROKEN.at(name, error.message)
    for ref in found:
        if not catalog.exists(ctx.layout, ref.snapshot_id):
            yield findings.REF_BROKEN.at(
                ref.name, f"ref {ref.name!r} names {ref.snapshot_id}, which is missing"
            )


def _intents(ctx: Context) -> Iterator[Finding]:
    for intent in remains.abandoned(ctx):
        if not journal.is_own(intent):
            still = unfinished.is_to_be_completed(ctx, intent)
            yield (findings.RESTORE_OF_ANOTHER if still else findings.INTENT_OF_ANOTHER).at(
                intent.intent_id,
                f"{intent.operation} by {intent.holder_id} (uid {intent.uid}) was not completed",
            )
            continue
        restore = intent.operation in (RESTORE_INTENT, PATH_INTENT)
        kind = findings.RESTORE_ABANDONED if restore else findings.INTENT_ABANDONED
        yield kind.at(
            intent.intent_id,
            f"{intent.operation} by {intent.holder_id} at {intent.started_at} was not completed",
        )
    for intent in journal.pending(ctx.layout)[0]:
        if journal.state(intent, ctx.settings) is None:
            yield findings.INTENT_AHEAD.at(
                intent.intent_id,
                f"{intent.operation} by {intent.holder_id} (uid {intent.uid}) was last seen in the future",
            )
    for name in journal.pending(ctx.layout)[1]:
        yield findings.INTENT_DAMAGED.at(name, f"intent {name} cannot be read")


def _leftovers(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    for path in remains.leftovers(ctx, ledger):
        yield findings.LEFTOVER.at(path, "left behind by something that was cut short")


def _runs(ctx: Context) -> Iterator[Finding]:
    for run_id in runs.read_all(ctx.layout)[1]:
        yield findings.RUN_DAMAGED.at(run_id, f"the record of run {run_id} cannot be read")


def _locks(ctx: Context) -> Iterator[Finding]:
    known = set()
    for name in worktree.names(ctx.layout):
        try:
            record = worktree.get(ctx.layout, name)
        except JvsError:
            return  # which leases belong to no worktree is not known
        known.add(record.worktree_id)
        try:
            given = leases.tokens(ctx.layout, record.worktree_id)
            strays = leases.strays(ctx.layout, record.worktree_id)
        except JvsError as error:
            yield findings.FOLDER_REPLACED.at(f".jvs/locks/{record.worktree_id}", error.message)
            continue
        for stray in strays:
            yield findings.LOCK_STRAY.at(f".jvs/locks/{record.worktree_id}/{stray}", "this is no lease")
        try:
            newest = lock.current(ctx.layout, record.worktree_id)
        except JvsError as error:
            yield findings.LOCK_UNREADABLE.at(name, error.message)
            continue
        if newest is not None and lock.state(newest) == "expired":
            yield findings.LOCK_DEAD.at(name, f"its lease ran out: {lock.describe_holder(newest)}")
        if len(given) > MANY_LEASES:
            yield findings.LOCK_SUPERSEDED.at(name, f"{len(given) - 1} superseded leases")
    for name in remains.names(ctx.layout, ".jvs/locks"):
        if name != "repository" and name not in known:
            yield findings.LOCK_ORPHAN.at(f".jvs/locks/{name}", "leases of no worktree")


def _audit(report: AuditReport) -> Iterator[Finding]:
    if not report.ok:
        yield findings.AUDIT_BROKEN.at(".jvs/audit", report.error or "")


def _against_log(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield what differs from the log, which is sound: of a damaged one nothing follows from what it does not say."""
    for snapshot_id, _ in remains.unfinished(ctx, ledger):
        yield findings.SNAPSHOT_UNFINISHED.at(snapshot_id, f"snapshot {snapshot_id} was not completed")
    for snapshot_id in remains.foreign(ctx, ledger):
        yield findings.SNAPSHOT_FOREIGN.at(snapshot_id, f"snapshot {snapshot_id} is in no log and no intent")
    for snapshot_id in catalog.ids(ctx.layout):
        if catalog.is_expired(ctx.layout, snapshot_id):
            continue  # gc's: what it left is held against the log with its tombstone
        with suppress(JvsError, OSError):
            checksum = catalog.read(ctx.layout, snapshot_id).descriptor_checksum
            logged = ledger.snapshots.get(snapshot_id)
            if logged is not None and checksum is not None and checksum.value != logged[0]:
                yield findings.DESCRIPTOR_FOREIGN.at(
                    snapshot_id, f"the descriptor of {snapshot_id} is not the one that was logged"
                )
    for snapshot_id in aftermath.unexplained(ctx, ledger):
        yield findings.TOMBSTONE_FOREIGN.at(
            snapshot_id, f"the payload of {snapshot_id} is gone, and the log does not say that gc removed it"
        )
    for loss in lost.find(ctx, ledger):
        yield loss.kind.at(loss.target, loss.message)


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
