"""What checking an exported proof found."""

from __future__ import annotations

from jvs_core.results.result import Result


class ProofReport(Result):
    """Whether what was exported is what a repository recorded, up to its checkpoint. ``problems`` say in words what is not.

    ``files`` and ``runs`` are numbers of what was checked; ``records`` of those of the log, the last of which is the
    checkpoint's.
    """

    ok: bool
    origin: str | None
    checkpoint_seq: int | None
    signed: bool
    snapshots: list[str]
    runs: int
    files: int
    records: int
    problems: list[str]
