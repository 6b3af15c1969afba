"""Checks of control folders, intents, run records and leftovers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from jvs_core import regular
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.control_folders import CONTROL_FOLDERS
from jvs_core.control.records import journal, kept, runs
from jvs_core.operations import findings, leftovers
from jvs_core.operations.context import Context
from jvs_core.operations.inplace import unfinished
from jvs_core.operations.inplace.unfinished import PATH_INTENT, RESTORE_INTENT
from jvs_core.operations.views.holding import VIEW
from jvs_core.results import Finding

_NEVER_EMPTY = (".jvs/worktrees", ".jvs/audit")


def folders(ctx: Context) -> Iterator[Finding]:
    """Yield control folders that are missing or replaced, and a missing configuration."""
    for folder in (*(f".jvs/{name}" for name in CONTROL_FOLDERS), "worktrees"):
        try:
            found = os.lstat(ctx.layout.root / folder)
        except NotADirectoryError:
            continue  # what it should lie in is named
        except FileNotFoundError:
            kind = findings.FOLDER_LOST if folder in _NEVER_EMPTY else findings.FOLDER_MISSING
            if folder != "worktrees":
                yield kind.at(folder, "folder is missing")
            continue
        if not stat.S_ISDIR(found.st_mode):
            yield findings.FOLDER_REPLACED.at(folder, regular.irregular(ctx.layout.root / folder, "folder"))
    if regular.is_irregular(ctx.layout.repository_lock):
        yield findings.LOCK_REPLACED.at(
            ".jvs/locks/repository", regular.irregular(ctx.layout.repository_lock)
        )
    if not ctx.layout.config.is_file():
        yield findings.CONFIG_MISSING.at(".jvs/config.toml", "no configuration; defaults apply")


def intents(ctx: Context) -> Iterator[Finding]:
    """Yield operations that were cut short, and intents that cannot be read or were last seen in the future."""
    for intent in leftovers.abandoned(ctx):
        if not journal.is_own(intent):
            still = unfinished.is_to_be_completed(ctx, intent)
            yield (findings.RESTORE_OF_ANOTHER if still else findings.INTENT_OF_ANOTHER).at(
                intent.intent_id,
                f"{intent.operation} by {intent.holder_id} (uid {intent.uid}) was not completed",
            )
            continue
        restore = intent.operation in (RESTORE_INTENT, PATH_INTENT)
        kind = findings.RESTORE_ABANDONED if restore else findings.INTENT_ABANDONED
        what = "closed" if intent.operation == VIEW else "completed"
        yield kind.at(
            intent.intent_id,
            f"{intent.operation} by {intent.holder_id} at {intent.started_at} was not {what}",
        )
    for intent in journal.pending(ctx.layout)[0]:
        if journal.state(intent, ctx.settings) is None:
            yield findings.INTENT_AHEAD.at(
                intent.intent_id,
                f"{intent.operation} by {intent.holder_id} (uid {intent.uid}) was last seen in the future",
            )
    for name in journal.pending(ctx.layout)[1]:
        yield findings.INTENT_DAMAGED.at(name, f"intent {name} cannot be read")


def unowned(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield temporary files and folders that nothing under way owns."""
    for path in leftovers.leftovers(ctx, ledger):
        yield findings.LEFTOVER.at(path, "left by an operation that was interrupted")


def run_records(ctx: Context) -> Iterator[Finding]:
    """Yield records of notebook runs that cannot be read."""
    for run_id in runs.read_all(ctx.layout)[1]:
        yield findings.RUN_DAMAGED.at(run_id, f"the record of run {run_id} cannot be read")


def kept_copies(ctx: Context) -> Iterator[Finding]:
    """Yield kept copies of files whose records cannot be read."""
    for worktree_id in kept.worktrees(ctx.layout):
        for copy_id, error in kept.readable(ctx.layout, worktree_id)[1].items():
            yield findings.KEPT_DAMAGED.at(f".jvs/kept/{worktree_id}/{copy_id}", error.message)
