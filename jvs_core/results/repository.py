"""Answers about a repository as a whole."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.results.result import Made, Result


class Initialized(Made):
    """A new repository."""

    repo_root: str
    repo_id: str
    format_version: int
    main_path: str
    snapshot_engine: str


class HeavyFolder(Result):
    """A folder that programs make again by themselves, and what lies in it."""

    path: str
    files: int
    bytes: int


class AdoptionEstimate(Result):
    """What keeping a history of ``folder`` takes, as far as it was counted; all of it if ``complete``.

    ``space`` are the bytes that a first snapshot takes. ``how`` says whether the folder itself can become the ``main`` of the
    repository (``rename``), or only a copy of it, or neither; ``reason`` is the error object of what stands against a rename.
    ``repository`` is where it would be. ``heavy`` are the largest known caches, largest first.
    """

    folder: str
    repository: str
    files: int
    bytes: int
    space: int
    how: Literal["rename", "copy"] | None
    reason: dict[str, Any] | None
    heavy: list[HeavyFolder]
    complete: bool


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
