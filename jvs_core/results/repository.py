"""Answers about a repository as a whole."""

from __future__ import annotations

from jvs_core.results.result import Made, Result


class Initialized(Made):
    """A new repository."""

    repo_root: str
    repo_id: str
    format_version: int
    main_path: str
    snapshot_engine: str


class RepositoryInfo(Result):
    """What a repository is and how it is set."""

    repo_root: str
    repo_id: str
    format_version: int
    snapshot_engine: str
    default_isolation: str
    default_consistency: str
    lease_duration_ms: int
    renew_interval_ms: int
    max_clock_skew_ms: int
    total_snapshots: int
    total_worktrees: int
