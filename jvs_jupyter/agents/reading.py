"""The tools that only look."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from jvs_core import what_changed
from jvs_core.cli.patch import all_told
from jvs_jupyter.agents import content
from jvs_jupyter.agents.bounds import ITEMS
from jvs_jupyter.agents.tool import (
    Arguments,
    Desk,
    Path,
    Short,
    Size,
    SnapshotName,
    Time,
    Tool,
    Worktree,
    counted,
)

MOST_LINES = 2_000


class StatusArguments(Arguments):
    """Which worktree."""

    worktree: Worktree = None


def status(desk: Desk, given: StatusArguments) -> dict[str, Any]:
    """Return how the worktree differs from its newest snapshot, and who holds its lock."""
    return counted(desk.repository.status(given.worktree, progress=desk.progress).to_json())


class HistoryArguments(Arguments):
    """Which snapshots."""

    limit: Annotated[int, Field(ge=1, le=200)] = 20
    tag: Annotated[str | None, Field(max_length=200)] = None
    every: Annotated[bool, Field(description="Of all worktrees, not only the history of the head")] = False
    grep: Annotated[
        str | None, Field(max_length=1000, description="Text in the note; case does not matter")
    ] = None
    path: Annotated[
        str | None,
        Field(
            max_length=4096,
            description="Only those that changed this file, this folder or a match of this pattern",
        ),
    ] = None
    since: Time = None
    until: Time = None
    larger: Annotated[Size, Field(description="Only those that changed a file with more bytes than this")] = (
        None
    )
    smaller: Annotated[
        Size, Field(description="Only those that changed a file with fewer bytes than this")
    ] = None
    auto: Annotated[bool, Field(description="Also automatic snapshots")] = True
    before: Annotated[
        str | None,
        Field(max_length=200, description="Continue after this one, the last of the previous page"),
    ] = None
    worktree: Worktree = None


def history(desk: Desk, given: HistoryArguments) -> dict[str, Any]:
    """Return snapshots, newest first."""
    found = desk.repository.history(
        given.worktree,
        limit=given.limit,
        every=given.every,
        tag=given.tag,
        before=given.before,
        path=given.path,
        grep=given.grep,
        since=given.since,
        until=given.until,
        larger=given.larger,
        smaller=given.smaller,
        auto=given.auto,
        progress=desk.progress,
    )
    return {"items": [item.to_json() for item in found]}


class FindArguments(Arguments):
    """Which files."""

    pattern: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            description="A part of the path, or a glob; a glob without a slash matches the name",
        ),
    ]
    deleted: Annotated[bool, Field(description="Only files that the worktree does not have now")] = False
    larger: Annotated[Size, Field(description="Only files with more bytes than this")] = None
    smaller: Annotated[Size, Field(description="Only files with fewer bytes than this")] = None
    since: Annotated[Time, Field(description="Only files that were made, changed or removed since then")] = (
        None
    )
    until: Annotated[Time, Field(description="Only files that were made, changed or removed until then")] = (
        None
    )
    every: Annotated[bool, Field(description="Of all worktrees, not only the history of the head")] = False
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
        progress=desk.progress,
    )
    return {"items": [file.to_json() for file in found[: given.limit]], "total": len(found)}


class ShowArguments(Arguments):
    """Which snapshot."""

    snapshot: SnapshotName = "HEAD"
    worktree: Worktree = None


def show(desk: Desk, given: ShowArguments) -> dict[str, Any]:
    """Return one snapshot in full."""
    return desk.repository.show(given.snapshot, worktree=given.worktree).to_json()


class LsArguments(Arguments):
    """Which folder, of which snapshot, and which part of it."""

    snapshot: SnapshotName = "HEAD"
    path: Annotated[str, Field(max_length=4_096, description="A folder or file; default: the top folder")] = (
        ""
    )
    recursive: Annotated[bool, Field(description="Also the contents of folders below")] = False
    offset: Annotated[int, Field(ge=0, description="Skip this number of entries")] = 0
    limit: Annotated[int, Field(ge=1, le=ITEMS)] = 200
    worktree: Worktree = None


def ls(desk: Desk, given: LsArguments) -> dict[str, Any]:
    """Return entries of a folder of a snapshot, where to go on, and how many there are."""
    found = desk.repository.ls(given.snapshot, given.path, worktree=given.worktree, recursive=given.recursive)
    end = given.offset + given.limit
    return {
        "items": [entry.to_json() for entry in found[given.offset : end]],
        "total": len(found),
        "next_offset": end if end < len(found) else None,
    }


class ReadArguments(Arguments):
    """Which file, of which snapshot, and which part of it."""

    path: Path
    snapshot: Annotated[
        str | None, Field(max_length=204, description="As in show; null: the worktree as it is")
    ] = "HEAD"
    offset: Annotated[int, Field(ge=0, description="Start at this byte")] = 0
    limit: Annotated[int, Field(ge=1, le=content.BYTES, description="Bytes")] = content.BYTES
    worktree: Worktree = None


def read(desk: Desk, given: ReadArguments) -> dict[str, Any]:
    """Return a part of a file: text where it is UTF-8, else base64; and where the next part begins."""
    repository = desk.repository
    if given.snapshot is None:
        size = repository.stat_now(given.path, worktree=given.worktree).size
        with repository.open_now(given.path, worktree=given.worktree) as file:
            return content.part(file, size, given.offset, given.limit)
    with repository.open_file(given.snapshot, given.path, worktree=given.worktree) as file:
        return content.part(file, file.size, given.offset, given.limit)


class CompareArguments(Arguments):
    """What to compare, and how closely."""

    before: SnapshotName
    after: Annotated[str | None, Field(max_length=204, description="Default: the worktree as it is")] = None
    paths: Annotated[
        list[Short], Field(max_length=100, description="Only these files, folders and patterns")
    ] = Field(default_factory=list)
    patch: Annotated[
        bool, Field(description="Show what changed inside: lines, cells, rows, pixels, arrays")
    ] = False
    worktree: Worktree = None


def compare(desk: Desk, given: CompareArguments) -> dict[str, Any]:
    """Return the changed paths, the first of each kind, and how many there are; with ``patch`` what changed inside."""
    if not given.patch:
        found = desk.repository.compare(
            given.before, given.after, paths=given.paths, worktree=given.worktree, progress=desk.progress
        )
        return counted(found.to_json())
    looked_into = what_changed(
        desk.repository,
        given.before,
        given.after,
        paths=given.paths,
        worktree=given.worktree,
        progress=desk.progress,
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


class VerifyArguments(Arguments):
    """What to verify."""

    snapshot: Annotated[str | None, Field(max_length=204, description="Default: the head")] = None
    every: Annotated[bool, Field(description="Every snapshot and the audit log")] = False


def verify(desk: Desk, given: VerifyArguments) -> dict[str, Any]:
    """Read every byte again and check it against manifest and log."""
    return desk.repository.verify(given.snapshot, every=given.every, progress=desk.progress).to_json()


class WorktreesArguments(Arguments):
    """Nothing is to be said."""


def worktrees(desk: Desk, _given: WorktreesArguments) -> dict[str, Any]:
    """Return all worktrees, and what is wrong with those that cannot be read."""
    unreadable: list[str] = []
    found = [info.to_json() for info in desk.repository.worktrees.all(unreadable)]
    return {"items": found, "unreadable": unreadable}


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "status",
        "Show how the worktree differs from its newest snapshot, and who holds its lock.",
        StatusArguments,
        status,
        reads=True,
    ),
    Tool("history", "List snapshots, newest first.", HistoryArguments, history, reads=True),
    Tool(
        "find",
        "Find files in all of history by their path, including deleted ones. To restore a file, use the id of its snapshot.",
        FindArguments,
        find,
        reads=True,
    ),
    Tool("show", "Show one snapshot in full.", ShowArguments, show, reads=True),
    Tool("ls", "List a folder of a snapshot.", LsArguments, ls, reads=True),
    Tool(
        "read",
        "Read a file of a snapshot, or a part of it; binary files come as base64.",
        ReadArguments,
        read,
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
        "verify",
        "Check that the snapshots are still, byte for byte, what was stored.",
        VerifyArguments,
        verify,
        reads=True,
    ),
    Tool(
        "worktree_list",
        "List the worktrees with their heads and locks.",
        WorktreesArguments,
        worktrees,
        reads=True,
    ),
)
