"""The tools that replace files which exist, after a snapshot of the present; offered only when that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from jvs_jupyter.agents.tool import (
    WAIT_S,
    Arguments,
    Desk,
    Path,
    SnapshotName,
    Text,
    Tool,
    Worktree,
    counted,
)


class InPlaceArguments(Arguments):
    """What the worktree, or one path of it, is to become, and why."""

    snapshot: SnapshotName
    reason: Annotated[str, Field(min_length=1, max_length=10_000)]
    path: Annotated[Path | None, Field(description="Only this file or folder")] = None
    worktree: Worktree = None


def restore_inplace(desk: Desk, given: InPlaceArguments) -> dict[str, Any]:
    """Make a worktree, or one path of it, equal to a snapshot, the present snapshotted first."""
    how: dict[str, Any] = {
        "reason": given.reason,
        "worktree": given.worktree,
        "lock": True,
        "wait_s": WAIT_S,
        "progress": desk.progress,
    }
    if given.path is not None:
        return desk.repository.restore_path(given.snapshot, given.path, inplace=True, **how).to_json()
    return counted(desk.repository.restore_inplace(given.snapshot, **how).to_json())


class UndoArguments(Arguments):
    """Why, and where."""

    reason: Text = ""
    force: Annotated[
        bool, Field(description="Also if something else changed since; that change is taken back too")
    ] = False
    worktree: Worktree = None


def undo(desk: Desk, given: UndoArguments) -> dict[str, Any]:
    """Take the last in-place restore back."""
    return _gone(desk, desk.repository.undo, given)


def redo(desk: Desk, given: UndoArguments) -> dict[str, Any]:
    """Take the last undo back."""
    return _gone(desk, desk.repository.redo, given)


def _gone(desk: Desk, go: Callable[..., Any], given: UndoArguments) -> dict[str, Any]:
    done = go(
        reason=given.reason,
        force=given.force,
        worktree=given.worktree,
        lock=True,
        wait_s=WAIT_S,
        progress=desk.progress,
    )
    return counted(done.to_json())


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "restore_inplace",
        "Make a worktree, or with path one file or folder of it, equal to a snapshot. This replaces what is there; JVS "
        "first takes a snapshot of it.",
        InPlaceArguments,
        restore_inplace,
        destroys=True,
    ),
    Tool(
        "undo",
        "Take back the last in-place restore of a worktree, if nothing else happened since.",
        UndoArguments,
        undo,
        destroys=True,
    ),
    Tool(
        "redo",
        "Take back the last undo of a worktree, if nothing else happened since.",
        UndoArguments,
        redo,
        destroys=True,
    ),
)
