"""The tools that make something, and touch nothing that exists without a snapshot of it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from jvs_jupyter.agents import trial
from jvs_jupyter.agents.tool import (
    WAIT_S,
    Arguments,
    Desk,
    Path,
    Short,
    SnapshotName,
    Text,
    Tool,
    Worktree,
    counted,
)


class SnapshotArguments(Arguments):
    """What to say about the snapshot."""

    note: Text = ""
    tags: Annotated[list[Short], Field(max_length=50)] = Field(default_factory=list)
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
        progress=desk.progress,
    ).to_json()


class RestoreArguments(Arguments):
    """What to restore, and where to."""

    snapshot: SnapshotName
    name: Annotated[
        str | None,
        Field(
            max_length=100, description="The name of the new worktree; JVS chooses one if you leave it out"
        ),
    ] = None
    path: Annotated[Path | None, Field(description="Only this file or folder, into an existing worktree")] = (
        None
    )
    to: Annotated[
        Path | None, Field(description="With path: copy it to this place, which must not exist yet")
    ] = None
    worktree: Worktree = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.path is None and (self.to is not None or self.worktree is not None):
            raise ValueError("'to' and 'worktree' need 'path'")
        if self.path is not None and self.name is not None:
            raise ValueError("'name' is for a new worktree; leave it out with 'path'")
        return self


def restore(desk: Desk, given: RestoreArguments) -> dict[str, Any]:
    """Make a new worktree from a snapshot, or copy one path out of it to where nothing is."""
    if given.path is None:
        return desk.repository.restore(given.snapshot, name=given.name, progress=desk.progress).to_json()
    return desk.repository.restore_path(
        given.snapshot, given.path, to=given.to, worktree=given.worktree, progress=desk.progress
    ).to_json()


class RemoveArguments(Arguments):
    """Which worktree."""

    name: Annotated[str, Field(min_length=1, max_length=100)]


def worktree_remove(desk: Desk, given: RemoveArguments) -> dict[str, Any]:
    """Remove a worktree of which a snapshot holds everything."""
    desk.repository.worktrees.remove(given.name, progress=desk.progress)
    return {"removed": given.name}


class SandboxArguments(Arguments):
    """What to run, and from which state."""

    command: Annotated[
        list[Text],
        Field(min_length=1, max_length=1000, description="Program and arguments; JVS uses no shell"),
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
            progress=desk.progress,
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
        "left_behind": list(done.left_behind),
        "changes": counted(changes),
    }


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "snapshot",
        "Take a snapshot of a whole worktree. What a snapshot holds cannot get lost.",
        SnapshotArguments,
        snapshot,
    ),
    Tool(
        "restore",
        "Restore a snapshot to a new worktree; or, with path, copy one file or folder out of it into a worktree, to a "
        "place where nothing is. This changes nothing that exists.",
        RestoreArguments,
        restore,
    ),
    Tool(
        "worktree_remove",
        "Remove a worktree; its snapshots stay. Refused while a change in it is in no snapshot.",
        RemoveArguments,
        worktree_remove,
        destroys=True,
    ),
    Tool(
        "sandbox",
        "Run a command in a fresh worktree made from a snapshot, snapshot what it made, and remove the worktree. It "
        "keeps work apart; it is no security boundary: the command runs with all rights of this user.",
        SandboxArguments,
        sandbox,
    ),
)
