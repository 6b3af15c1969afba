"""Checks of worktrees: their folders, their records, their heads."""

from __future__ import annotations

from collections.abc import Iterator

from jvs_core.control import catalog
from jvs_core.control.names import MAIN
from jvs_core.control.records import journal, worktree
from jvs_core.errors import DescriptorCorrupt, JvsError, PathEscape, WorktreeNotFound
from jvs_core.operations import findings, leftovers
from jvs_core.operations.context import Context
from jvs_core.payload.inplace import nested_repositories
from jvs_core.payload.tree.faults import listed
from jvs_core.results import Finding


def without_folder(ctx: Context) -> Iterator[tuple[str, bool]]:
    """Yield the worktrees whose folder is missing, and whether it held nothing that a snapshot knows of.

    Worktrees that are being made, removed or renamed are left out.
    """
    intents = journal.pending(ctx.layout)[0]
    pending = {name for intent in intents for name in (intent.worktree, intent.details.get("new_name"))}
    for name in worktree.names(ctx.layout):
        try:
            record = worktree.get(ctx.layout, name)
            if not ctx.layout.worktree(name).is_dir() and name not in pending:
                yield name, record.head_snapshot_id is None
        except JvsError:
            continue


def registered(ctx: Context) -> Iterator[Finding]:
    """Yield worktrees that are missing, damaged or replaced, and folders that are no worktree."""
    known = worktree.names(ctx.layout)
    if MAIN not in known:
        yield findings.WORKTREE_LOST.at(MAIN, "worktree main is not registered")
    for name, empty in without_folder(ctx):
        kind = findings.WORKTREE_EMPTY if empty else findings.WORKTREE_LOST
        yield kind.at(name, f"the folder of worktree {name!r} is missing")
    for name in known:
        yield from _worktree(ctx, name)
    pending = {intent.worktree for intent in journal.pending(ctx.layout)[0]}
    for name in leftovers.names(ctx.layout, "worktrees"):
        if name not in known and not name.startswith(".") and name not in pending:
            yield findings.WORKTREE_UNKNOWN.at(
                f"worktrees/{name}", "a folder that is not a registered worktree"
            )


def _worktree(ctx: Context, name: str) -> Iterator[Finding]:
    try:
        head = worktree.get(ctx.layout, name).head_snapshot_id
        ctx.layout.worktree(name)
    except WorktreeNotFound:
        return  # removed or renamed since the listing
    except PathEscape as error:
        yield findings.WORKTREE_ESCAPES.at(name, error.message)
        return
    except DescriptorCorrupt as error:
        kind = findings.HEAD_DAMAGED if _is_configured(ctx, name) else findings.WORKTREE_DAMAGED
        yield kind.at(name, error.message)
        return
    if head is None:
        return
    if not catalog.exists(ctx.layout, head):
        yield findings.HEAD_MISSING.at(name, f"the head {head} of worktree {name!r} is missing")
    elif catalog.is_expired(ctx.layout, head):
        yield findings.HEAD_MISSING.at(name, f"the head {head} of worktree {name!r} was removed by gc")


def _is_configured(ctx: Context, name: str) -> bool:
    try:
        worktree.get_config(ctx.layout, name)
    except JvsError:
        return False
    return True


def repositories_inside(ctx: Context) -> Iterator[Finding]:
    """Yield worktrees that hold another repository."""
    for name in worktree.names(ctx.layout):
        try:
            inside = nested_repositories.repositories(ctx.layout.worktree(name))
        except PathEscape:
            continue  # it is named
        if inside:
            yield findings.REPOSITORY_INSIDE.at(name, f"worktree {name!r} holds {listed(inside)}")
