"""The tools: what an agent may ask of a repository, each with a model of its arguments."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from jvs_core import Repository, what_changed
from jvs_core.cli.patch import all_told
from jvs_jupyter.agents import trial
from jvs_jupyter.agents.bounds import ITEMS

WAIT_S = 10.0
MOST_LINES = 2_000


class Arguments(BaseModel):
    """Arguments of a tool: no coercion, nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Text = Annotated[str, Field(max_length=10_000)]
Short = Annotated[str, Field(min_length=1, max_length=200)]
Worktree = Annotated[
    str | None,
    Field(max_length=100, description="A worktree's name; the one the server was started in when left out"),
]
SnapshotName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=204,
        description="An id, a unique prefix, a ref, HEAD or HEAD~N, tag:NAME, or a time: @2026-11-28T18:00, @yesterday, @2h",
    ),
]
A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True)
class Desk:
    """What tools work with: the repository, and whether whoever called still waits."""

    repository: Repository
    cancelled: threading.Event


@dataclass(frozen=True)
class Tool(Generic[A]):
    """One tool. ``reads`` only reads; ``destroys`` changes files that exist."""

    name: str
    description: str
    arguments: type[A]
    call: Callable[[Desk, A], dict[str, Any]]
    reads: bool = False
    destroys: bool = False


class SnapshotArguments(Arguments):
    """What to say about the snapshot."""

    note: Text = ""
    tags: Annotated[list[Short], Field(max_length=50)] = []
    worktree: Worktree = None


def snapshot(desk: Desk, given: SnapshotArguments) -> dict[str, Any]:
    """Take a snapshot; where files keep changing it is labelled best_effort."""
    return desk.repository.snapshot(
        given.note,
        tags=given.tags,
        worktree=given.worktree,
        consistency="prefer_quiesced",
        lock=True,
        wait_s=WAIT_S,
    ).to_json()


Time = Annotated[
    str | None,
    Field(max_length=100, description="2026-11-28, 2026-11-28T18:00 (local time), yesterday, or 7d (ago)"),
]
Size = Annotated[int | None, Field(ge=0, le=2**53 - 1, description="In bytes")]


class HistoryArguments(Arguments):
    """Which snapshots."""

    limit: Annotated[int, Field(ge=1, le=200)] = 20
    tag: Annotated[str | None, Field(max_length=200)] = None
    grep: Annotated[str | None, Field(max_length=1000, description="Text in the note, in whatever case")] = (
        None
    )
    path: Annotated[
        str | None,
        Field(max_length=4096, description="Only those that changed this file, folder, or what matches"),
    ] = None
    since: Time = None
    until: Time = None
    larger: Annotated[Size, Field(description="Only those that changed a file of more bytes")] = None
    smaller: Annotated[Size, Field(description="Only those that changed a file of fewer bytes")] = None
    auto: Annotated[bool, Field(description="Also those that were made unasked")] = True
    every: Annotated[bool, Field(description="Of all worktrees, not only what led to the head")] = False
    worktree: Worktree = None


def history(desk: Desk, given: HistoryArguments) -> dict[str, Any]:
    """Return snapshots, newest first."""
    found = desk.repository.history(
        given.worktree,
        limit=given.limit,
        every=given.every,
        tag=given.tag,
        grep=given.grep,
        path=given.path,
        since=given.since,
        until=given.until,
        larger=given.larger,
        smaller=given.smaller,
        auto=given.auto,
    )
    return {"items": [item.to_json() for item in found]}


class FindArguments(Arguments):
    """Which files."""

    pattern: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            description="A part of the path, or a glob, of the name where it has no slash",
        ),
    ]
    deleted: Annotated[bool, Field(description="Only what the worktree does not have now")] = False
    larger: Annotated[Size, Field(description="Only what had more bytes")] = None
    smaller: Annotated[Size, Field(description="Only what had fewer bytes")] = None
    since: Annotated[Time, Field(description="Only what was made, changed or removed since then")] = None
    until: Annotated[Time, Field(description="Only what was made, changed or removed until then")] = None
    every: Annotated[bool, Field(description="Of all worktrees, not only what led to the head")] = False
    limit: Annotated[int, Field(ge=1, le=ITEMS)] = 100
    worktree: Worktree = None


def find(desk: Desk, given: FindArguments) -> dict[str, Any]:
    """Return files in history, the first ones by path, and how many there are."""
    found = desk.repository.find(
        given.pattern,
        worktree=given.worktree,
        every=given.every,
        deleted=given.deleted,
        larger=given.larger,
        smaller=given.smaller,
        since=given.since,
        until=given.until,
    )
    return {"items": [file.to_json() for file in found[: given.limit]], "total": len(found)}


class CompareArguments(Arguments):
    """What to compare, and how closely."""

    before: SnapshotName
    after: Annotated[
        str | None, Field(max_length=204, description="The worktree as it is, when left out")
    ] = None
    paths: Annotated[
        list[Short], Field(max_length=100, description="Only these files, folders and patterns")
    ] = []
    patch: Annotated[
        bool, Field(description="Say what changed inside: lines, cells, rows, pixels, arrays")
    ] = False
    worktree: Worktree = None


def compare(desk: Desk, given: CompareArguments) -> dict[str, Any]:
    """Return the changed paths, the first of each kind, and how many there are; with ``patch`` what changed inside."""
    if not given.patch:
        found = desk.repository.compare(given.before, given.after, paths=given.paths, worktree=given.worktree)
        return counted(found.to_json())
    looked_into = what_changed(
        desk.repository, given.before, given.after, paths=given.paths, worktree=given.worktree
    )
    changes = looked_into.changes or []
    shown = looked_into.model_copy(
        update={"changes": [each.model_copy(update={"detail": None}) for each in changes]}
    )
    lines = ("  " * line.indent + line.text for _, line in all_told(changes))
    first = list(islice(lines, MOST_LINES))
    if next(lines, None) is not None:
        first.append(f"… only the first {MOST_LINES:,} lines are shown: ask for fewer paths")
    answer = counted(shown.to_json())
    more = {
        "paths_not_looked_into": answer.pop("left_out")
    }  # the bounds of an answer have a field of that name
    return {**answer, **more, "patch": "\n".join(first)}


class RestoreArguments(Arguments):
    """What to restore, to which new worktree."""

    snapshot: SnapshotName
    name: Annotated[
        str | None, Field(max_length=100, description="Of the new worktree; chosen when left out")
    ] = None


def restore(desk: Desk, given: RestoreArguments) -> dict[str, Any]:
    """Make a new worktree from a snapshot."""
    return desk.repository.restore(given.snapshot, name=given.name).to_json()


class VerifyArguments(Arguments):
    """What to verify."""

    snapshot: Annotated[str | None, Field(max_length=204, description="The head, when left out")] = None
    every: Annotated[bool, Field(description="Every snapshot and the audit log")] = False


def verify(desk: Desk, given: VerifyArguments) -> dict[str, Any]:
    """Read every byte again and check it against manifest and log."""
    return desk.repository.verify(given.snapshot, every=given.every).to_json()


class SandboxArguments(Arguments):
    """What to run, and from which state."""

    command: Annotated[
        list[Text], Field(min_length=1, max_length=1000, description="Program and arguments; no shell")
    ]
    start: Annotated[SnapshotName, Field(description="The snapshot to start from")] = "HEAD"
    keep: Annotated[bool, Field(description="Keep the worktree; its snapshot stays in any case")] = False
    note: Text = ""
    timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 600


def sandbox(desk: Desk, given: SandboxArguments) -> dict[str, Any]:
    """Run a command in a fresh worktree and return how it ended and what it changed."""
    with desk.repository.sandbox(given.start, keep=given.keep, note=given.note) as box:
        done = trial.run(
            given.command,
            box.path,
            session=desk.repository.settings.session,
            timeout_s=given.timeout_s,
            cancelled=desk.cancelled,
        )
    assert box.snapshot_id is not None
    changes = desk.repository.compare(box.base_snapshot_id, box.snapshot_id).to_json()
    return {
        "worktree": box.worktree,
        "path": str(box.path) if box.keep else None,
        "snapshot_id": box.snapshot_id,
        "exit_status": done.exit_status,
        "stopped": done.stopped,
        "output": done.output,
        "errors": done.errors,
        "output_truncated": any(done.left_out.values()),
        "output_left_out": done.left_out,
        "changes": counted(changes),
    }


class InPlaceArguments(Arguments):
    """What the worktree is to become, and why."""

    snapshot: SnapshotName
    reason: Annotated[str, Field(min_length=1, max_length=10_000)]
    worktree: Worktree = None


def restore_inplace(desk: Desk, given: InPlaceArguments) -> dict[str, Any]:
    """Make a worktree equal to a snapshot, the present snapshotted first."""
    return counted(
        desk.repository.restore_inplace(
            given.snapshot, reason=given.reason, worktree=given.worktree, lock=True, wait_s=WAIT_S
        ).to_json()
    )


class UndoArguments(Arguments):
    """Why, and where."""

    reason: Text = ""
    force: Annotated[bool, Field(description="Also when something else changed since; that goes, too")] = (
        False
    )
    worktree: Worktree = None


def undo(desk: Desk, given: UndoArguments) -> dict[str, Any]:
    """Take the last in-place restore back."""
    return _gone(desk.repository.undo, given)


def redo(desk: Desk, given: UndoArguments) -> dict[str, Any]:
    """Take the last undo back."""
    return _gone(desk.repository.redo, given)


def _gone(go: Callable[..., Any], given: UndoArguments) -> dict[str, Any]:
    done = go(reason=given.reason, force=given.force, worktree=given.worktree, lock=True, wait_s=WAIT_S)
    return counted(done.to_json())


def counted(answer: dict[str, Any]) -> dict[str, Any]:
    """Return ``answer`` with ``counts`` of its lists of paths, whatever of them is shown."""
    return {**answer, "counts": {kind: len(answer[kind]) for kind in ("added", "modified", "removed")}}


SAFE: tuple[Tool[Any], ...] = (
    Tool(
        "snapshot",
        "Take a snapshot of a whole worktree. Nothing is lost that a snapshot holds.",
        SnapshotArguments,
        snapshot,
    ),
    Tool("history", "List snapshots, newest first.", HistoryArguments, history, reads=True),
    Tool(
        "find",
        "Find files in all of history by their path, also deleted ones; restore one with its snapshot's id.",
        FindArguments,
        find,
        reads=True,
    ),
    Tool(
        "compare",
        "List the paths that differ between two snapshots, or since one; with patch also what changed inside them.",
        CompareArguments,
        compare,
        reads=True,
    ),
    Tool(
        "restore",
        "Put a snapshot back as a new worktree. Nothing that exists is touched.",
        RestoreArguments,
        restore,
    ),
    Tool(
        "sandbox",
        "Run a command in a fresh worktree made from a snapshot, snapshot what it made, and remove the worktree. It "
        "keeps work apart; it is no security boundary: the command runs with all rights of this user.",
        SandboxArguments,
        sandbox,
    ),
    Tool(
        "verify",
        "Check that snapshots are byte for byte what was stored.",
        VerifyArguments,
        verify,
        reads=True,
    ),
)
IN_PLACE: tuple[Tool[Any], ...] = (
    Tool(
        "restore_inplace",
        "Make a worktree equal to a snapshot, replacing what is there. The present is snapshotted first.",
        InPlaceArguments,
        restore_inplace,
        destroys=True,
    ),
    Tool(
        "undo",
        "Take back the last in-place restore of a worktree, while nothing else happened since.",
        UndoArguments,
        undo,
        destroys=True,
    ),
    Tool(
        "redo",
        "Take back the last undo of a worktree, while nothing else happened since.",
        UndoArguments,
        redo,
        destroys=True,
    ),
)
