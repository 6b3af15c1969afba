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
    """A folder that programs can make again (a known cache), and what it holds."""

    path: str
    files: int
    bytes: int


class AdoptionEstimate(Result):
    """What JVS needs to keep a history of ``folder``, as far as it was counted; all of it if ``complete``.

    ``space`` is the number of bytes that a first snapshot takes. ``how`` says whether the folder itself can
    become the ``main`` of the repository (``rename``), or only a copy of it, or neither. ``reason`` is the
    error object that says why a rename is not possible. ``repository`` is the path of the new repository.
    ``heavy`` are the largest known caches, largest first.
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
    """The identity and the settings of a repository."""

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
