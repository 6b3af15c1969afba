"""What checking an exported proof found."""

from __future__ import annotations

from jvs_core.results.result import Result


class ProofReport(Result):
    """Whether what was exported is what a repository recorded, up to its checkpoint. ``problems`` say in words what is not.

    ``files`` and ``runs`` are numbers of what was checked; ``records`` of those of the log, the last of which is the
    checkpoint's. ``path`` is the part of the snapshot that an export says it holds, empty for all of it, None for recorded
    runs: who gives less than the whole has to say so, and only who asked for it can know whether that is enough.
    """

    ok: bool
    origin: str | None
    checkpoint_seq: int | None
    signed: bool
    snapshots: list[str]
    runs: int
    files: int
    path: str | None
    records: int
    problems: list[str]
