"""``jvs gc``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import PinId, Snapshot
from jvs_core.cli.text import columns, first_line, identifier, safe, size
from jvs_core.settings import KEEP_MAXIMUM
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.model import Pin
    from jvs_core.results import GcPlan, GcRun

F = TypeVar("F", bound=Callable[..., Any])
_CONFLICT, _STORAGE = 4, 7
_AT_LEAST_ONE = click.IntRange(1, KEEP_MAXIMUM)


def policy_options(command: F) -> F:
    """Add the options that say what a policy keeps."""
    for option in (
        click.option(
            "--keep-tag", multiple=True, metavar="TAG", help="Keep those with this tag; may be repeated."
        ),
        click.option(
            "--keep-within",
            metavar="DURATION",
            help="Keep what is at most this much older than the newest: 30d, 1y6m.",
        ),
        *(
            click.option(
                f"--keep-{period}ly",
                type=_AT_LEAST_ONE,
                metavar="N",
                help=f"Keep the newest of each of N {unit}s.",
            )
            for period, unit in (
                ("year", "year"),
                ("month", "month"),
                ("week", "week"),
                ("dai", "day"),
                ("hour", "hour"),
            )
        ),
        click.option("--keep-last", type=_AT_LEAST_ONE, metavar="N", help="Keep the N newest."),
        click.option("--policy", metavar="NAME", help="Use [retention.NAME] of .jvs/config.toml."),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def gc() -> None:
    """Remove snapshots that nothing needs, or that a policy does not keep.

    \b
    Example:
      jvs gc plan --keep-last 10 --keep-daily 7
      jvs gc run --plan-id 3f2a9c0d1b4e
    """


@gc.command()
@policy_options
@click.option(
    "--drop",
    multiple=True,
    type=Snapshot(),
    metavar="SNAPSHOT",
    help="Remove this snapshot, anywhere in the history, and nothing else; may be repeated.",
)
@click.pass_obj
def plan(call: Call, /, policy: str | None, drop: tuple[str, ...], **keep: Any) -> Outcome:
    """Show what jvs gc run would remove, and remove nothing.

    Without a policy, the plan has only snapshots that no worktree, ref, pin or history needs. A policy thins out each
    worktree's history. Of hours, days, weeks, months and years (in UTC) it counts only those with a snapshot. Heads, refs
    and pins always stay.

    --drop removes the files of the snapshots that you name, and nothing else. Their line in the history stays, marked
    as expired. --drop also takes the id of a kept copy of a file, as jvs find shows it.

    \b
    Example:
      jvs gc plan
      jvs gc plan --keep-daily 7 --keep-tag baseline
      jvs gc plan --drop 1764433312345-3f2a9c0d
    """
    made = call.repository().gc.plan(
        policy, drop=drop, worktree=call.worktree, **keep, progress=call.progress()
    )
    return Outcome(made, _planned(made, dropping=bool(drop)))


@gc.command()
@click.option("--plan-id", required=True, metavar="ID", help="The plan, as jvs gc plan named it.")
@click.pass_obj
def run(call: Call, plan_id: str) -> Outcome:
    """Remove what a plan lists, unless something needs it by now. You can repeat it after an interruption.

    \b
    Example:
      jvs gc run --plan-id 3f2a9c0d1b4e
    """
    done = call.repository().gc.run(plan_id, progress=call.progress())
    return Outcome(done, _done(done), notices=done.notes, exit_status=_status(done))


@gc.command()
@click.argument("snapshot", type=Snapshot())
@click.option("--reason", metavar="TEXT", default="", help="Why.")
@click.option("--expires", metavar="WHEN", help="Keep it only until then: 30d from now, or 2030-01-31.")
@click.pass_obj
def pin(call: Call, snapshot: str, reason: str, expires: str | None) -> Outcome:
    """Keep SNAPSHOT, whatever a policy says.

    \b
    Example:
      jvs gc pin HEAD --reason "in the paper" --expires 1y
    """
    made = call.repository().pins.create(snapshot, reason=reason, expires=expires, worktree=call.worktree)
    return Outcome(made, [f"Pinned snapshot {identifier(made.snapshot_id)} as {made.pin_id}{_until(made)}"])


@gc.command()
@click.argument("pin_id", metavar="ID", type=PinId())
@click.pass_obj
def unpin(call: Call, pin_id: str) -> Outcome:
    """Remove the pin ID; its snapshot stays until jvs gc run removes it.

    \b
    Example:
      jvs gc unpin 3f2a9c0d1b4e
    """
    gone = call.repository().pins.delete(pin_id)
    return Outcome(gone, [f"Unpinned snapshot {identifier(gone.snapshot_id)}"])


@gc.command()
@click.pass_obj
def pins(call: Call) -> Outcome:
    """List the pins, oldest first. Each in-place restore makes one, for jvs undo.

    \b
    Example:
      jvs gc pins --json
    """
    found = call.repository().pins.all()
    rows = [
        (p.pin_id, identifier(p.snapshot_id), p.expires_at or "for good", first_line(p.reason)) for p in found
    ]
    return Outcome(found, columns(rows), notices=[] if found else ["no pins"])


def _until(pin: Pin) -> str:
    return f" until {pin.expires_at}" if pin.expires_at else ""


def _planned(made: GcPlan, *, dropping: bool) -> list[str]:
    protected = f"{made.protected_by_ref} by refs, {made.protected_by_pin} by pins, {made.protected_by_lineage} by lineage"
    lines = [
        f"GC Plan: {made.plan_id}",
        f"  {counted(made.candidate_count, 'snapshot')} to remove, about {size(made.deletable_bytes_estimate)}",
        *(f"  {note}" for note in made.notes),
        *(f"- {identifier(found.snapshot_id)}  {size(found.bytes)}" for found in made.candidates),
        *(f"- {copy.copy_id}  {size(copy.bytes)}  kept copy of {safe(copy.path)}" for copy in made.copies),
        f"  {counted(len(made.kept), 'snapshot')} kept; protected: {protected}",
        *(
            f"  {identifier(kept.snapshot_id)}  {safe(', '.join(kept.reasons))}"
            for kept in (() if dropping else made.kept)
        ),
    ]
    if not made.candidates and not made.copies:
        return lines
    return [*lines, f"run it with: jvs gc run --plan-id {made.plan_id}"]


def _done(done: GcRun) -> list[str]:
    freed = f", {size(done.reclaimed_bytes)} reclaimed" if done.deleted or done.copies else ""
    return [
        f"Deleted {counted(len(done.deleted), 'snapshot')}{freed}",
        *(f"- {identifier(snapshot_id)}" for snapshot_id in done.deleted),
        *(f"- {copy_id}  kept copy" for copy_id in done.copies),
        *(f"! {identifier(failure.snapshot_id)}  {safe(failure.error)}" for failure in done.failed),
    ]


def _status(done: GcRun) -> int:
    if not done.failed:
        return 0
    overtaken = all(failure.error.startswith("E_GC_PLAN_MISMATCH") for failure in done.failed)
    return _CONFLICT if overtaken else _STORAGE
