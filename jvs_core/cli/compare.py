"""``jvs status`` and ``jvs compare``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click
from click import Context, style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import PathInWorktree, Snapshot
from jvs_core.cli.text import change_count, change_lines, fields, identifier, safe
from jvs_core.errors import InputError, PathNotFound, SnapshotNotFound
from jvs_core.results import Unfinished
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.repository import Repository

_PATHS = "jvs.paths"


@click.command(cls=Command)
@click.pass_obj
def status(call: Call) -> Outcome:
    """Show how the worktree differs from its newest snapshot.

    "+" marks a new path, "~" a changed one, "-" a removed one. Known caches come last, and are marked.

    \b
    Example:
      jvs status
    """
    found = call.repository().status(call.worktree, progress=call.progress())
    lines = [
        f"On worktree {safe(found.worktree)}",
        *fields(
            [
                ("Path", safe(found.path)),
                ("Head", identifier(found.head_snapshot_id)),
                ("Lock", found.lock_state),
            ]
        ),
    ]
    if found.unfinished is not None:
        lines += _unfinished(found.unfinished)
    if found.clean:
        lines.append(style("clean: nothing changed since the head", fg="green"))
    else:
        lines += [f"{change_count(found)}:", *change_lines(found)]
    return Outcome(found, lines)


def _unfinished(found: Unfinished) -> list[str]:
    """Say that a restore stands unfinished, how far it came, and which command goes on."""
    what = "in-place restore" if found.operation == "restore" else found.operation
    reached = f"to {identifier(found.snapshot_id)}"
    if found.total is not None:
        reached += f", {found.restored:,} of {counted(found.total, 'path')} restored"
    if found.under_way:
        return [style(f"Under way: {what} {reached}, by {safe(found.holder_id)}", fg="yellow")]
    go_on = "jvs doctor --repair finish_restore" + ("" if found.own else f" (by {safe(found.holder_id)})")
    other = "then jvs undo goes back" if found.own else "jvs doctor --repair set_aside cancels it"
    return [
        style(f"Unfinished: {what} {reached}; begun by {safe(found.holder_id)}", fg="yellow"),
        f"  {go_on} completes it; {other}",
    ]


class _WithPaths(Command):
    """A command whose arguments after ``--`` are paths, whatever they look like."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse what stands before ``--``; what stands after it waits in the context."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_PATHS] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command(cls=_WithPaths)
@click.argument("names", metavar="[A [B]] [PATH]...", nargs=-1, type=Snapshot())
@click.option(
    "--patch", "-p", is_flag=True, help="Show what changed inside: cells, lines, rows, pixels, arrays."
)
@click.option("--stat", is_flag=True, help="Show sizes.")
@click.option(
    "--everything", is_flag=True, help="With --patch: include execution counts, widgets and the like."
)
@click.pass_context
def compare(ctx: Context, names: tuple[str, ...], patch: bool, stat: bool, everything: bool) -> Outcome:
    """List what changed from snapshot A (HEAD) to snapshot B, or to the worktree as it is.

    "+" marks a new path, "~" a changed one, "-" a removed one, ">" a moved one. PATH selects files, folders and patterns. It starts at the
    worktree's top folder, ./PATH at the current one. A word that names no snapshot is a PATH. After "--", every word is a PATH. Known caches (__pycache__ and the like) come last, and are marked.

    \b
    Example:
      jvs compare
      jvs compare HEAD~1 HEAD --patch
      jvs compare baseline train.ipynb --patch
    """
    if everything and not patch:
        raise InputError("--everything needs --patch", hint="jvs compare --patch --everything")
    call = ctx.ensure_object(Call)
    repository = call.repository()
    before, after, paths = _arguments(ctx, repository, call, names)
    if not (patch or stat):
        plain = repository.compare(
            before, after, paths=paths, worktree=call.worktree, renames=True, progress=call.progress()
        )
        lines: Iterable[str] = list(change_lines(plain))
        return Outcome(plain, lines, notices=[f"{plain.from_} to {plain.to}: {change_count(plain)}"])
    from jvs_core.cli.patch import patch_lines, stat_lines
    from jvs_core.differences import what_changed

    found = what_changed(
        repository,
        before,
        after,
        paths=paths,
        inside=patch,
        everything=everything,
        worktree=call.worktree,
        progress=call.progress(),
    )
    changes = found.changes or []
    lines = stat_lines(changes) if stat else []
    if patch:
        lines = [*lines, *([""] if lines and changes else []), *patch_lines(changes)]
    notices = [f"{found.from_} to {found.to}: {change_count(found)}", *found.stopped]
    return Outcome(found, lines, notices=notices, paged=True)


def _arguments(
    ctx: Context, repository: Repository, call: Call, names: Sequence[str]
) -> tuple[str, str | None, list[str]]:
    """Return the two snapshots, and the paths: what comes first and names a snapshot is one, two at most.

    Raises SnapshotNotFound where the first names neither a snapshot nor a path that there is.
    """
    after_dashes = ctx.meta.get(_PATHS)
    snapshots: list[str] = []
    for name in names[:2]:
        try:
            repository.resolve(name, worktree=call.worktree)
        except SnapshotNotFound:
            if after_dashes is not None or not _is_path(repository, call, name, [*snapshots, "HEAD"][0]):
                raise
            break
        snapshots.append(name)
    if after_dashes is not None and len(names) > len(snapshots):
        raise InputError(
            f'{names[len(snapshots)]!r} is a third snapshot; give at most two before "--"',
            hint="jvs compare A B -- PATH",
        )
    rest = [*names[len(snapshots) :], *(after_dashes or ())]
    before, after = [*snapshots, None, None][:2]
    kind = PathInWorktree()
    return before or "HEAD", after, [kind.convert(path, None, ctx) for path in rest]


def _is_path(repository: Repository, call: Call, name: str, before: str) -> bool:
    """Say whether a name that is no snapshot is a path: a pattern, or there now or in the first snapshot."""
    if any(sign in name for sign in "*?["):
        return True
    inner: str = PathInWorktree().convert(name, None, click.get_current_context())
    for look in (repository.stat_now, partial(repository.stat, before)):
        try:
            look(inner, worktree=call.worktree)
        except (PathNotFound, SnapshotNotFound):
            continue
        return bool(name)
    return False
