"""What became of one execution of a notebook or a command, and whose it is."""

from __future__ import annotations

import hashlib
import math
import re
import shlex
from typing import Annotated, Any, Literal

from jvs_core.model.forms import Count, Holder, Name, RunId, Sha256, SnapshotId, Timestamp, Uuid
from jvs_core.model.process import Process
from jvs_core.model.record import Record
from jvs_core.validated import AfterValidator, Field


def _of_json(value: Any) -> Any:
    """Return a value if JSON has a form for all of it: no NaN, no infinity. Raises ValueError."""
    if isinstance(value, dict):
        for item in value.values():
            _of_json(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _of_json(item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as JSON")
    return value


_Values = Annotated[dict[str, Any], AfterValidator(_of_json)]
RunOutcome = Literal[
    "started",
    "ok",
    "cell_error",
    "kernel_died",
    "early_exit",
    "failed",
    "killed",
    "interrupted",
    "terminated",
    "lost",
]
Verdict = Literal["identical", "differs", "failed"]
OUTPUTS_KEPT = 1_000
_PLAIN = re.compile(r"(?:[\w@%+=:,./-]|\{\w+\})+", re.ASCII)


class RunOwner(Process):
    """The process and the lease behind a run; ``lock_kept`` if the session held the lock before the run."""

    worktree_id: Uuid
    fencing_token: Count
    lock_kept: bool
    holder_id: Holder


class FailedCell(Record):
    """The cell of a notebook that ended its run: its place in the output notebook, from 0, and its id there if it has one."""

    index: Count
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


class Run(Record):
    """The record of one execution of a notebook or a command; written as ``started`` before it begins.

    Paths inside the worktree are relative to it. A command has ``command``, its words, and an ``exit_status`` (128 + N
    where signal N ended it), and none of the fields of a notebook. ``inputs`` are the files that the call names,
    ``outputs`` those that the run made or changed, at most ``OUTPUTS_KEPT`` of the ``outputs_total``. ``left_behind`` are
    the processes that outlived the command and were ended. ``point`` is the digest that a sweep's attempts at one point
    share; ``setup`` is what repeating the run needs beside its parameters. ``verdict`` and ``paths`` are those of a
    reproduction. ``failed_cell`` is the cell of a notebook that ended it. ``name`` and ``note`` are given afterwards.
    """

    run_id: RunId
    notebook: str | None
    input_path: str | None
    output_path: str | None
    worktree: Name
    parameters: _Values
    outcome: RunOutcome
    error: str | None
    before_snapshot_id: SnapshotId
    after_snapshot_id: SnapshotId | None
    notebook_sha256: Sha256 | None
    environment_digest: Sha256
    git_commit: str | None
    host: str
    attempt: Annotated[int, Field(ge=1)]
    started_at: Timestamp
    finished_at: Timestamp | None
    duration_s: Annotated[float, Field(allow_inf_nan=False)] | None
    metrics: _Values
    reproduces: RunId | None
    verdict: Verdict | None = None
    paths: tuple[str, ...] | None = Field(default=None, strict=False)
    command: tuple[str, ...] | None = Field(default=None, strict=False)
    exit_status: Annotated[int, Field(ge=0, le=255)] | None = None
    inputs: tuple[str, ...] = Field(default=(), strict=False)
    outputs: tuple[str, ...] | None = Field(default=None, strict=False)
    outputs_total: Count | None = None
    left_behind: tuple[str, ...] = Field(default=(), strict=False)
    failed_cell: FailedCell | None = None
    name: Name | None = None
    note: str = ""
    point: Sha256 | None = None
    setup: _Values = Field(default_factory=dict)
    owner: RunOwner

    @property
    def subject(self) -> str:
        """What was run: the notebook's path, or the command as a shell would take it."""
        return shlex.join(self.command) if self.command is not None else self.notebook or ""

    @property
    def work(self) -> str:
        """What the runs of one notebook or command have in common: of a sweep's command the words with their ``{name}``."""
        template = self.setup.get("template")
        if self.command is None or not isinstance(template, list) or not template:
            return self.subject
        return " ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in map(str, template))

    @property
    def sweep(self) -> str | None:
        """What the runs of one sweep share: the same work from the same snapshot; None for a run that is no sweep's."""
        if self.point is None:
            return None
        words = f"{self.before_snapshot_id}\n{self.work}"
        return hashlib.sha256(words.encode("utf-8", "backslashreplace")).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Return the run as anyone may want to see it; verdict and paths only where it is a reproduction."""
        hidden = {"owner", "point", "setup"} | ({"verdict", "paths"} if self.reproduces is None else set())
        return {**self.model_dump(exclude=hidden), "work": self.work, "sweep": self.sweep}
