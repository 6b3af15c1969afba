"""Finding the first snapshot on a lineage that is bad, by halves; each try in a sandbox.

What was tried is kept with the user's state, outside the repository, until the answer is found: the same call goes on
where an interrupted one stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core import files, regular
from jvs_core.control import catalog
from jvs_core.errors import InputError, JvsError
from jvs_core.operations import sandbox
from jvs_core.operations.context import Context
from jvs_core.operations.sandbox import Sandbox
from jvs_core.progress import Progress
from jvs_core.results import Bisection, BisectVerdict, Tried

SKIP = 125
FIRST_REFUSED = 128
_VERDICTS: tuple[BisectVerdict, ...] = ("good", "bad", "skip")

Attempt = Callable[[Sandbox], int]


@dataclass
class Search:
    """The snapshots from a good one to a bad one, oldest first, and what is known of them."""

    snapshots: Sequence[str]
    known: dict[str, BisectVerdict] = field(default_factory=dict)

    @property
    def last_good(self) -> int:
        """The place of the newest snapshot below the first bad one that is good."""
        return max(
            (at for at in range(self.first_bad) if self.known.get(self.snapshots[at]) == "good"), default=0
        )

    @property
    def first_bad(self) -> int:
        """The place of the oldest snapshot that is bad."""
        places = range(1, len(self.snapshots))
        return next(
            (at for at in places if self.known.get(self.snapshots[at]) == "bad"), len(self.snapshots) - 1
        )

    @property
    def candidates(self) -> list[str]:
        """The snapshots among which the first bad one is, oldest first."""
        return list(self.snapshots[self.last_good + 1 : self.first_bad + 1])

    def next(self) -> str | None:
        """Return the snapshot to try: of those nobody tried the one nearest to the middle; None when there is none."""
        low, high = self.last_good, self.first_bad
        left = [at for at in range(low + 1, high) if self.snapshots[at] not in self.known]
        return self.snapshots[min(left, key=lambda at: (abs(2 * at - low - high), at))] if left else None

    def left(self) -> int:
        """Return about how many tries are left."""
        return (self.first_bad - self.last_good - 1).bit_length()


def bisect(
    ctx: Context,
    good: str,
    bad: str,
    attempt: Attempt,
    *,
    what: str,
    afresh: bool,
    on_try: Callable[[Tried, int], None] | None,
    progress: Progress,
) -> Bisection:
    """Find the first bad snapshot after ``good`` up to ``bad``. See ``Repository.bisect``."""
    search = Search(lineage(ctx, good, bad))
    memory = Memory.of(ctx, good, bad, what)
    if afresh:
        memory.forget()
    search.known = {
        snapshot_id: verdict
        for snapshot_id, verdict in memory.recall().items()
        if snapshot_id in set(search.snapshots[1:-1])
    }
    tried = [Tried(snapshot_id=key, verdict=verdict, before=True) for key, verdict in search.known.items()]
    for one in tried:
        if on_try is not None:
            on_try(one, search.left())
    while (snapshot_id := search.next()) is not None:
        status = _try(ctx, snapshot_id, attempt, progress)
        if status >= FIRST_REFUSED or status < 0:
            return Bisection(first_bad=None, tried=tried, candidates=search.candidates, refused=status)
        verdict: BisectVerdict = "good" if status == 0 else "skip" if status == SKIP else "bad"
        search.known[snapshot_id] = verdict
        memory.note(search.known)
        tried.append(Tried(snapshot_id=snapshot_id, verdict=verdict))
        if on_try is not None:
            on_try(tried[-1], search.left())
    candidates = search.candidates
    memory.forget()
    return Bisection(
        first_bad=candidates[0] if len(candidates) == 1 else None, tried=tried, candidates=candidates
    )


def lineage(ctx: Context, good: str, bad: str) -> list[str]:
    """Return the snapshots from ``good`` to ``bad``, oldest first, but for those between whose payload gc removed.

    Raises InputError when the good one is not before the bad one on its lineage.
    """
    found = [bad]
    for descriptor in catalog.lineage(ctx.layout, bad):
        snapshot_id = descriptor.snapshot_id
        if snapshot_id == bad:
            continue
        if snapshot_id == good:
            return [good, *reversed(found)]
        if not catalog.is_expired(ctx.layout, snapshot_id):
            found.append(snapshot_id)
    raise InputError(
        f"{good} does not come before {bad} on its lineage",
        hint="jvs history --all shows parents; name an older good snapshot",
    )


def _try(ctx: Context, snapshot_id: str, attempt: Attempt, progress: Progress) -> int:
    with sandbox.sandbox(
        ctx, snapshot_id, keep=False, note="", tags=("bisect",), save=False, progress=progress
    ) as box:
        return attempt(box)


@dataclass(frozen=True)
class Memory:
    """What was tried for one question, in a file of this user's."""

    path: Path

    @classmethod
    def of(cls, ctx: Context, good: str, bad: str, what: str) -> Memory:
        """Return the memory for a question: the two ends, and ``what`` is asked of the snapshots."""
        name = hashlib.sha256(json.dumps([good, bad, what]).encode()).hexdigest()
        return cls(ctx.settings.state_dir / "bisect" / ctx.repo_id / f"{name}.json")

    def recall(self) -> dict[str, BisectVerdict]:
        """Return what is known; nothing where the file is gone or damaged."""
        try:
            said = json.loads(regular.read_regular(self.path))
            return {str(key): verdict for key, verdict in said.items() if verdict in _VERDICTS}
        except (OSError, ValueError, AttributeError, RecursionError, JvsError):
            return {}

    def note(self, known: dict[str, BisectVerdict]) -> None:
        """Keep what is known. Raises InputError where this user's state cannot be kept."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_atomic(self.path, json.dumps(known).encode(), mode=0o600)
        except OSError as error:
            raise InputError(
                f"{self.path.parent}: JVS cannot store the state of this user there: {error.strerror}",
                hint="set JVS_STATE_DIR, or HOME, to a folder that you can write to",
            ) from error

    def forget(self) -> None:
        """Drop what is known."""
        self.path.unlink(missing_ok=True)
