"""Finding what is wrong with a repository. Looking changes nothing; ``repair`` mends what it names."""

from __future__ import annotations

import os
from collections.abc import Iterator

from jvs_core import clock
from jvs_core.control import catalog, journal, lock, refs, worktree
from jvs_core.control.layout import CONTROL_FOLDERS
from jvs_core.control.names import MAIN
from jvs_core.errors import JvsError
from jvs_core.files import TEMPORARY_SUFFIX
from jvs_core.model import Descriptor, Intent
from jvs_core.operations import audit
from jvs_core.operations import ledger as ledgers
from jvs_core.operations.context import Context
from jvs_core.operations.inplace import PATH_INTENT, RESTORE_INTENT
from jvs_core.results import Finding

MANY_LEASES = 100  # every acquisition leaves one, and a few cost nothing
RUNTIME_FOLDERS = ("locks", "intents")


def findings(ctx: Context) -> list[Finding]:
    """Return everything that is not as it should be, errors first."""
    found = [
        *_layout(ctx),
        *_worktrees(ctx),
        *_snapshots(ctx),
        *_refs(ctx),
        *_intents(ctx),
        *_leftovers(ctx),
        *_locks(ctx),
        *_audit(ctx),
    ]
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


def leftovers(ctx: Context) -> Iterator[str]:
    """Yield the paths, relative to the repository, of temporary files and folders that nothing under way owns."""
    pending, _ = journal.pending(ctx.layout)
    running = {
        value
        for intent in pending
        if journal.is_running(intent, ctx.settings) is not False
        for value in (intent.snapshot_id, intent.details.get("temporary"))
        if isinstance(value, str)
    }
    orphans = {snapshot_id for snapshot_id, _ in unfinished(ctx)}
    for folder in (
        ".jvs/snapshots",
        ".jvs/descriptors",
        ".jvs/refs",
        ".jvs/worktrees",
        ".jvs/gc/pins",
        ".jvs/runs",
        "worktrees",
    ):
        for name in _names(ctx, folder):
            base = name.removesuffix(TEMPORARY_SUFFIX)
            if name == base or base in running or name in running or base.removesuffix(".json") in running:
                continue
            if folder == ".jvs/descriptors" and base.removesuffix(".json") in orphans:
                continue
            yield f"{folder}/{name}"


def unfinished(ctx: Context) -> Iterator[tuple[str, Descriptor]]:
    """Yield the snapshots that were renamed into place but are not known to head and log, each with its descriptor."""
    logged = ledgers.read(ctx.layout).snapshots
    for name in _names(ctx, ".jvs/snapshots"):
        if name in logged or not ctx.layout.ready(name).is_file():
            continue
        path = ctx.layout.descriptor(name)
        for candidate in (path, path.with_name(path.name + TEMPORARY_SUFFIX)):
            if candidate.is_file():
                try:
                    yield name, Descriptor.parse(candidate.read_bytes(), f"the descriptor of {name}")
                except JvsError:
                    continue
                break


def abandoned(ctx: Context) -> list[Intent]:
    """Return the intents whose process is gone.

    Those of other hosts count when they are older than a lease and the worktree's lock is not held.
    """
    lease = ctx.config.lease
    recent = clock.now_ms() - lease.duration_ms - lease.max_clock_skew_ms - lease.steal_grace_ms
    found = []
    for intent in journal.pending(ctx.layout)[0]:
        running = journal.is_running(intent, ctx.settings)
        if running is None:
            running = clock.parse(intent.started_at) >= recent or _is_held(ctx, intent)
        if not running:
            found.append(intent)
    return found


def _layout(ctx: Context) -> Iterator[Finding]:
    for folder in CONTROL_FOLDERS:
        if (ctx.layout.control / folder).is_dir():
            continue
        runtime = folder in RUNTIME_FOLDERS or folder.startswith("gc/") or folder in ("gc", "refs", "runs")
        severity = "info" if runtime else "error"
        yield _finding(
            "W_FOLDER_MISSING",
            severity,
            f".jvs/{folder}",
            "folder is missing",
            "clean_tmp" if runtime else None,
        )
    if not ctx.layout.config.is_file():
        yield _finding(
            "W_CONFIG_MISSING", "warning", ".jvs/config.toml", "no configuration; defaults apply", None
        )


def _worktrees(ctx: Context) -> Iterator[Finding]:
    known = worktree.names(ctx.layout)
    if MAIN not in known:
        yield _finding("E_WORKTREE_NOT_FOUND", "error", MAIN, "worktree main is not registered", None)
    pending = {intent.worktree for intent in journal.pending(ctx.layout)[0]}
    for name in known:
        try:
            record = worktree.get(ctx.layout, name)
            folder = ctx.layout.worktree(name)
        except JvsError as error:
            yield _finding(error.code, "error", name, error.message, None)
            continue
        if not folder.is_dir() and name not in pending:
            yield _finding(
                "E_WORKTREE_NOT_FOUND", "error", name, f"the folder of worktree {name!r} is missing", None
            )
        head = record.head_snapshot_id
        if head is not None and not catalog.exists(ctx.layout, head):
            yield _finding(
                "E_LINEAGE_BROKEN", "error", name, f"the head {head} of worktree {name!r} is missing", None
            )
    for name in _names(ctx, "worktrees"):
        if name not in known and not name.endswith(TEMPORARY_SUFFIX) and name not in pending:
            yield _finding(
                "W_WORKTREE_UNKNOWN",
                "warning",
                f"worktrees/{name}",
                "a folder that is no registered worktree",
                None,
            )


def _snapshots(ctx: Context) -> Iterator[Finding]:
    parents: dict[str, str | None] = {}
    for snapshot_id in catalog.ids(ctx.layout):
        try:
            descriptor = catalog.read(ctx.layout, snapshot_id)
            parents[snapshot_id] = descriptor.parent_snapshot_id
            if not catalog.is_expired(ctx.layout, snapshot_id):
                catalog.read_ready(ctx.layout, snapshot_id)
        except JvsError as error:
            yield _finding(error.code, "error", snapshot_id, error.message, None)
    for snapshot_id, parent in parents.items():
        if parent is not None and not catalog.exists(ctx.layout, parent):
            yield _finding(
                "E_LINEAGE_BROKEN",
                "error",
                snapshot_id,
                f"the parent {parent} of {snapshot_id} is missing",
                None,
            )
    for snapshot_id in sorted(_circles(parents)):
        yield _finding("E_LINEAGE_BROKEN", "error", snapshot_id, f"{snapshot_id} is its own ancestor", None)
    orphans = dict(unfinished(ctx))
    for snapshot_id in orphans:
        yield _finding(
            "W_SNAPSHOT_UNFINISHED",
            "warning",
            snapshot_id,
            f"snapshot {snapshot_id} was not completed",
            "advance_head",
        )
    for name in _names(ctx, ".jvs/snapshots"):
        if (
            not name.endswith(TEMPORARY_SUFFIX)
            and name not in orphans
            and not catalog.exists(ctx.layout, name)
        ):
            yield _finding("E_PARTIAL_SNAPSHOT", "error", name, f"snapshot {name} has no descriptor", None)


def _refs(ctx: Context) -> Iterator[Finding]:
    for name in refs.names(ctx.layout):
        try:
            ref = refs.get(ctx.layout, name)
        except JvsError as error:
            yield _finding(error.code, "error", name, error.message, None)
            continue
        if not catalog.exists(ctx.layout, ref.snapshot_id):
            yield _finding(
                "E_REF_BROKEN", "error", name, f"ref {name!r} names {ref.snapshot_id}, which is missing", None
            )


def _intents(ctx: Context) -> Iterator[Finding]:
    for intent in abandoned(ctx):
        restore = intent.operation in (RESTORE_INTENT, PATH_INTENT)
        yield _finding(
            "W_INTENT_ABANDONED",
            "warning",
            intent.intent_id,
            f"{intent.operation} by {intent.holder_id} at {intent.started_at} was not completed",
            "finish_restore" if restore else "clean_intents",
        )
    for name in journal.pending(ctx.layout)[1]:
        yield _finding(
            "E_DESCRIPTOR_CORRUPT", "error", name, f"intent {name} cannot be read", "clean_intents"
        )


def _leftovers(ctx: Context) -> Iterator[Finding]:
    for path in leftovers(ctx):
        yield _finding(
            "W_LEFTOVER", "warning", path, "left behind by something that was cut short", "clean_tmp"
        )


def _locks(ctx: Context) -> Iterator[Finding]:
    known = set()
    for name in worktree.names(ctx.layout):
        try:
            record = worktree.get(ctx.layout, name)
        except JvsError:
            continue
        known.add(record.worktree_id)
        given = lock.tokens(ctx.layout, record.worktree_id)
        try:
            newest = lock.current(ctx.layout, record.worktree_id)
        except JvsError as error:
            yield _finding("W_LOCK_UNREADABLE", "info", name, error.message, None)
            continue
        if newest is not None and lock.state(newest) == "expired":
            yield _finding(
                "W_LOCK_DEAD", "info", name, f"its lease ran out: {lock.describe_holder(newest)}", None
            )
        if len(given) > MANY_LEASES:
            yield _finding(
                "W_LOCK_SUPERSEDED", "info", name, f"{len(given) - 1} superseded leases", "clean_locks"
            )
    for name in _names(ctx, ".jvs/locks"):
        if name != "repository" and name not in known:
            yield _finding(
                "W_LOCK_ORPHAN", "info", f".jvs/locks/{name}", "leases of no worktree", "clean_locks"
            )


def _audit(ctx: Context) -> Iterator[Finding]:
    report = audit.check(ctx)
    if not report.ok:
        yield _finding("E_AUDIT_CHAIN_BROKEN", "error", ".jvs/audit", report.error or "", "audit_repair")


def _circles(parents: dict[str, str | None]) -> set[str]:
    found: set[str] = set()
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        here: str | None = start
        while here is not None and here not in done and here not in path:
            path.append(here)
            here = parents.get(here)
        if here is not None and here in path:
            found.update(path[path.index(here) :])
        done.update(path)
    return found


def _is_held(ctx: Context, intent: Intent) -> bool:
    try:
        worktree_id = intent.worktree_id or worktree.get(ctx.layout, intent.worktree or MAIN).worktree_id
        return lock.state(lock.current(ctx.layout, worktree_id)) == "held"
    except JvsError:
        return False


def _names(ctx: Context, folder: str) -> list[str]:
    try:
        return sorted(os.listdir(ctx.layout.root / folder))
    except FileNotFoundError:
        return []


def _finding(code: str, severity: str, target: str, message: str, repair: str | None) -> Finding:
    return Finding.model_validate(
        {"code": code, "severity": severity, "target": target, "message": message, "repair": repair}
    )
