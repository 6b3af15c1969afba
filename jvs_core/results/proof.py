"""What checking an exported proof found."""

from __future__ import annotations

from jvs_core.results.result import Result


class ProofReport(Result):
    """Whether an export is what a repository recorded up to its checkpoint; ``problems`` say in words what is not.

    ``files`` and ``runs`` are numbers of what was checked; ``records`` is the number of records of the log,
    the last of which is the checkpoint's. ``path`` is the part of the snapshot that an export says it holds;
    it is empty for the whole snapshot, and None for recorded runs. An export with less than the whole
    snapshot must say so, and only the person who asked for it can know whether that part is enough.
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
