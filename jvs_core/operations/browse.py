"""Looking at a repository and at what its snapshots hold."""

from __future__ import annotations

from datetime import UTC, datetime

from jvs_core.control import catalog
from jvs_core.control.records import worktree
from jvs_core.model import FORMAT_VERSION
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path, require
from jvs_core.payload import manifest
from jvs_core.payload.changes import caches as known_caches
from jvs_core.payload.tree.entry import FILE, FOLDER, KIND_NAMES, SYMLINK, Entry, text
from jvs_core.results import CacheShare, RepositoryInfo, TreeEntry


def info(ctx: Context) -> RepositoryInfo:
    """Return what the repository is and how it is set."""
    lease = ctx.config.lease
    return RepositoryInfo(
        repo_root=str(ctx.layout.root),
        repo_id=ctx.repo_id,
        format_version=FORMAT_VERSION,
        snapshot_engine=ctx.engine_name(),
        default_isolation="exclusive",
        default_consistency="quiesced",
        lease_duration_ms=lease.duration_ms,
        renew_interval_ms=lease.renew_interval_ms,
        max_clock_skew_ms=lease.max_clock_skew_ms,
        total_snapshots=len(catalog.ids(ctx.layout)),
        total_worktrees=len(worktree.names(ctx.layout)),
    )


def ls(ctx: Context, snapshot_id: str, path: str, *, recursive: bool) -> list[TreeEntry]:
    """Return the entries of one folder of a snapshot, or the one entry that ``path`` is, from its manifest."""
    entries = stored.look(ctx.layout, snapshot_id).entries
    inner = payload_path(path)
    chosen = require(entries, inner, snapshot_id)
    if chosen.kind != FOLDER:
        return [shown(chosen)]
    prefix = inner + b"/" if inner else b""
    return [
        shown(entry)
        for entry in entries
        if entry.path
        and entry.path.startswith(prefix)
        and (recursive or b"/" not in entry.path[len(prefix) :])
    ]


def stat(ctx: Context, snapshot_id: str, path: str) -> TreeEntry:
    """Return the one entry of a snapshot that ``path`` is, from its manifest. Raises PathNotFound."""
    inner = payload_path(path)
    return shown(require(stored.look(ctx.layout, snapshot_id).entries, inner, snapshot_id))


def caches(ctx: Context, snapshot_id: str) -> CacheShare:
    """Return how much of a snapshot lies in known caches, from its manifest and the tags in its payload."""
    found = stored.look(ctx.layout, snapshot_id)
    inside = [entry for entry in known_caches.within(found.payload, found.entries) if entry.kind == FILE]
    files, total = manifest.totals(found.entries)
    return CacheShare(
        files=len(inside), bytes=sum(entry.size for entry in inside), all_files=files, all_bytes=total
    )


def shown(entry: Entry) -> TreeEntry:
    """Return an entry of a manifest as people and programs see it."""
    return TreeEntry.model_validate(
        {
            "path": text(entry.path),
            "type": KIND_NAMES[entry.kind],
            "mode": f"{entry.mode:04o}",
            "size": entry.size,
            "mtime": _time(entry.mtime_ns),
            "sha256": entry.sha256.hex() if entry.kind == FILE else None,
            "target": text(entry.target) if entry.kind == SYMLINK else None,
        }
    )


def _time(ns: int) -> str:
    seconds, fraction = divmod(ns, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"@{seconds}.{fraction:09d}"  # beyond the calendar's years 1 to 9999
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
