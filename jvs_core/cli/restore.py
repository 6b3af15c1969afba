"""``jvs restore``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import PathInSnapshot, PathInWorktree, Snapshot, taking_lock
from jvs_core.cli.text import change_count, change_lines, identifier, safe
from jvs_core.errors import InputError, JvsError

if TYPE_CHECKING:
    from jvs_core.repository import Repository
    from jvs_core.results import Extracted, PutBack, Restored, RestoredInPlace


@click.command(cls=Command)
@click.argument("snapshot", type=Snapshot())
@click.option("--name", metavar="NAME", help="Call the new worktree NAME.")
@click.option(
    "--named", is_flag=True, help="Name it after the snapshot's note and time, as in explored-nov28-1727."
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    type=PathInSnapshot(),
    help="Copy only this file, folder or pattern ('data/*.csv') into the worktree; may be repeated.",
)
@click.option(
    "--to", metavar="PATH", type=PathInWorktree(), help="With --path: copy it to this place in the worktree."
)
@click.option(
    "--inplace", is_flag=True, help="Change the worktree itself. Needs its lock, --force and --reason."
)
@taking_lock
@click.option("--force", is_flag=True, help="With --inplace: do not ask.")
@click.option("--reason", metavar="TEXT", help="With --inplace: why, for the audit log.")
@click.option("--dry-run", is_flag=True, help="With --inplace: show what would change, and change nothing.")
@click.option(
    "--same-owner",
    is_flag=True,
    help="As root: restore owners, setuid, setgid and capabilities, too. Only in a repository that only root can write.",
)
@click.pass_obj
def restore(
    call: Call,
    snapshot: str,
    name: str | None,
    named: bool,
    paths: tuple[str, ...],
    to: str | None,
    inplace: bool,
    lock: bool,
    wait_s: float | None,
    force: bool,
    reason: str | None,
    dry_run: bool,
    same_owner: bool,
) -> Outcome:
    """Restore a snapshot to a new worktree. Nothing that exists is changed.

    With --path, copy files and folders out of the snapshot. PATH starts at the worktree's top folder, ./PATH at the
    current folder. With --inplace, make the worktree equal to the snapshot; JVS first takes a snapshot of the worktree,
    and jvs undo goes back to that. With --path, SNAPSHOT may also be the id of a kept copy of a file, as jvs find shows it.

    \b
    Example:
      jvs restore HEAD~1
      jvs restore HEAD~1 --named
      jvs restore baseline --path data/train.csv --path 'figures/*.png'
      jvs restore HEAD~1 --inplace --force --reason "bad run" --lock
    """
    if named and name is not None:
        raise InputError("--named finds a name, and --name gives one", hint="leave one of them out")
    _check(
        name="" if named else name,
        paths=paths,
        to=to,
        inplace=inplace,
        lock=lock,
        force=force,
        reason=reason,
        dry_run=dry_run,
    )
    reason = reason or ""
    repository = call.repository()  # before the question, which another user's process cannot ask
    if inplace and not dry_run:
        _confirm(call, snapshot, force)
    if len(paths) == 1 and not inplace and repository.timeline.has_copy(snapshot, worktree=call.worktree):
        return _put_back(
            repository.timeline.put_back(
                paths[0], snapshot, to=to, worktree=call.worktree, progress=call.progress()
            )
        )
    if paths:
        copied = repository.restore_paths(
            snapshot,
            paths,
            to=to,
            worktree=call.worktree,
            inplace=inplace,
            reason=reason,
            **call.locking(repository, needed=inplace, lock=lock, wait_s=wait_s),
            same_owner=same_owner,
            progress=call.progress(),
        )
        return _copied(copied, paths)
    if inplace:
        done = repository.restore_inplace(
            snapshot,
            reason=reason or "dry run",
            worktree=call.worktree,
            dry_run=dry_run,
            **call.locking(repository, needed=not dry_run, lock=lock, wait_s=wait_s),
            same_owner=same_owner,
            progress=call.progress(),
        )
        verb = "Would restore" if dry_run else "Restored"
        return changed(done, f"{verb} snapshot {identifier(done.snapshot_id)} in place", dry_run)
    if named:
        name = repository.suggest_name(snapshot, worktree=call.worktree)
    made = repository.restore(
        snapshot, name=name, worktree=call.worktree, same_owner=same_owner, progress=call.progress()
    )
    return Outcome(
        made,
        [f"Restored snapshot {identifier(made.snapshot_id)} to {safe(made.path)}"],
        warnings=made.degraded,
        notices=[f"{made.worktree} is a new worktree; JVS changed no other worktree"],
        advice=[] if name else _renaming(repository, made),
    )


def _renaming(repository: Repository, made: Restored) -> list[str]:
    with suppress(JvsError):  # it is restored, whatever is wrong with its note
        better = repository.suggest_name(made.snapshot_id)
        return [f"to give it a name that you remember: jvs worktree rename {made.worktree} {better}"]
    return []


def _put_back(done: PutBack) -> Outcome:
    beside = ", because there is something else with that name now" if done.renamed else ""
    return Outcome(
        done,
        [
            f"Restored {safe(done.file)} from the copy {identifier(str(done.copy_id))} to {safe(done.path)}{beside}"
        ],
        warnings=done.degraded,
    )


def _copied(copied: list[Extracted], paths: Sequence[str]) -> Outcome:
    first = copied[0]
    what = f"{safe(paths[0])} of " if len(paths) == len(copied) == 1 else ""
    return Outcome(
        first if len(copied) == 1 else {**first.to_json(), "paths": [one.path for one in copied]},
        [f"Restored {what}snapshot {identifier(one.snapshot_id)} to {safe(one.path)}" for one in copied],
        warnings=[loss for one in copied for loss in one.degraded],
    )


def _check(
    *,
    name: str | None,
    paths: Sequence[str],
    to: str | None,
    inplace: bool,
    lock: bool,
    force: bool,
    reason: str | None,
    dry_run: bool,
) -> None:
    """Refuse combinations that mean nothing, before anything is opened."""
    if name is not None and (inplace or paths):
        raise InputError("--name and --named name a new worktree; leave them out with --inplace or --path")
    if to is not None and not paths:
        raise InputError("--to needs --path", hint="jvs restore SNAPSHOT --path PATH --to PATH")
    if dry_run and (paths or not inplace):
        raise InputError(
            "--dry-run works only with --inplace and without --path", hint="jvs compare SNAPSHOT"
        )
    if lock and not inplace:
        raise InputError(
            "--lock needs --inplace", hint="leave it out: only an in-place restore needs the lock"
        )
    if (force or reason is not None) and not inplace:
        raise InputError(
            "--force and --reason need --inplace",
            hint="leave them out to restore to a new worktree: jvs restore SNAPSHOT",
        )
    if inplace and not dry_run and not (reason or "").strip():
        raise InputError("an in-place restore needs a reason", hint="add --reason TEXT")


def _confirm(call: Call, snapshot: str, force: bool) -> None:
    if force:
        return
    if call.confirm is None:
        raise InputError(
            "an in-place restore needs --force", hint="add --force, or restore to a new worktree"
        )
    if not call.confirm(f"Make the worktree {call.worktree or ''} equal to {snapshot}?".replace("  ", " ")):
        raise click.Abort


def changed(done: RestoredInPlace, headline: str, dry_run: bool) -> Outcome:
    lines = [headline, f"  {safe(done.path)}: {change_count(done)}", *change_lines(done)]
    if dry_run:
        return Outcome(done, lines, warnings=done.degraded)
    return Outcome(
        done,
        lines,
        warnings=done.degraded,
        notices=[f"the worktree as it was before is in snapshot {done.pre_restore_snapshot_id}"],
    )
