"""``jvs undo`` and ``jvs redo``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import taking_lock
from jvs_core.cli.restore import changed
from jvs_core.cli.text import identifier, safe
from jvs_core.errors import InputError
from jvs_core.wording import counted


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--same-owner",
            is_flag=True,
            help="As root: restore owners, setuid, setgid and capabilities, too. Only in a repository that only root can write.",
        ),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        click.option(
            "--force",
            is_flag=True,
            help="Go back even if that takes back later work; a snapshot keeps that work.",
        ),
        taking_lock,
        click.option("--reason", metavar="TEXT", default="", help="Why, for the audit log."),
    ):
        command = option(command)
    return command


@click.command(cls=Command)
@_options
@click.option("--forget", is_flag=True, help="Change no file; give up what undo and redo could go back to.")
@click.pass_obj
def undo(call: Call, /, forget: bool, **options: Any) -> Outcome:
    """Take back the last in-place restore of the worktree. Needs its lock.

    The next undo takes back the in-place restore before that one. JVS first takes a snapshot of the present, and jvs redo
    goes forward again. If anything else changed since the restore, undo changes nothing unless you use --force. You
    cannot drop a snapshot that undo can go back to; --forget gives up all of them.

    \b
    Example:
      jvs undo --lock
      jvs undo --forget --lock
    """
    if forget:
        return _forgotten(call, **options)
    return _go(call, "undo", "redo", "as before the last in-place restore", **options)


@click.command(cls=Command)
@_options
@click.pass_obj
def redo(call: Call, /, **options: Any) -> Outcome:
    """Go forward again after jvs undo. Needs the worktree's lock; options are those of undo.

    \b
    Example:
      jvs redo --lock
    """
    return _go(call, "redo", "undo", "as before the last undo", **options)


def _forgotten(call: Call, *, lock: bool, wait_s: float | None, **options: Any) -> Outcome:
    if any(options.values()):
        raise InputError(
            "with --forget, only --lock and --wait are possible", hint="jvs undo --forget --lock"
        )
    repository = call.repository()
    name = call.worktree or repository.worktree
    count = repository.forget_undo(call.worktree, **call.locking(repository, lock=lock, wait_s=wait_s))
    lines = [f"Worktree '{safe(name)}': gave up {counted(count, 'step')} of undo and redo"]
    return Outcome({"worktree": name, "forgotten": count}, lines)


def _go(
    call: Call,
    operation: str,
    back: str,
    words: str,
    *,
    dry_run: bool,
    lock: bool,
    wait_s: float | None,
    **options: Any,
) -> Outcome:
    repository = call.repository()
    go = repository.undo if operation == "undo" else repository.redo
    done = go(
        worktree=call.worktree,
        dry_run=dry_run,
        **call.locking(repository, needed=not dry_run, lock=lock, wait_s=wait_s),
        **options,
        progress=call.progress(),
    )
    verb = "Would restore" if dry_run else "Restored"
    outcome = changed(done, f"{verb} snapshot {identifier(done.snapshot_id)} in place, {words}", dry_run)
    return outcome if dry_run else replace(outcome, advice=[f"to go back to it: jvs {back}"])
