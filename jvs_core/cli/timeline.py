"""``jvs timeline``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jvs_core.cli import stopping
from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import identifier, safe
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import TimelineState

_WORDS = {
    "saved": "saved: nothing changed since the newest snapshot",
    "off": "off: JVS takes no automatic snapshots",
}


@click.group(cls=Group)
def timeline() -> None:
    """Keep an automatic history: JVS takes snapshots and thins them out by itself.

    A Jupyter server does this for the folders that it opens; jvs timeline run does it without one. For cron, use jvs
    snapshot --if-changed.

    \b
    Example:
      jvs timeline status
      jvs timeline run
    """


@timeline.command()
@click.pass_obj
def status(call: Call) -> Outcome:
    """Show the state of the worktree's automatic history.

    \b
    Example:
      jvs timeline status --json
    """
    repository = call.repository()
    found = repository.timeline.state(call.worktree, progress=call.progress())
    return Outcome(
        found, [f"Automatic history of worktree {safe(found.worktree)}: {_said(found)}", *_more(found)]
    )


def _said(found: TimelineState) -> str:
    if found.state == "changed":
        return f"{counted(found.changed, 'path')} changed since the newest snapshot"
    if found.state == "paused":
        reason = found.reason or {}
        return f"paused: {safe(str(reason.get('code')))}: {safe(str(reason.get('message')))}"
    return _WORDS[found.state]


def _more(found: TimelineState) -> list[str]:
    lines = []
    if found.head_snapshot_id is not None:
        lines.append(f"  newest snapshot {identifier(found.head_snapshot_id)}, {found.last_at}")
    if found.next_at is not None:
        lines.append(f"  next at {found.next_at}")
    if not found.runs and found.state != "off":
        lines.append(
            "  none of your programs takes snapshots here now: start a Jupyter server, or jvs timeline run"
        )
    return lines


@timeline.command()
@click.pass_obj
def run(call: Call) -> Outcome:
    """Take a snapshot whenever the worktree changed, until you stop it.

    It waits for changes through inotify, and costs almost nothing while there are none. It takes the lock for each
    snapshot without waiting for it, and thins out old automatic snapshots. If it cannot take one (no space, the lock
    is held, the file system is gone), it says so and resumes by itself. The guide has a unit for systemd.

    \b
    Example:
      jvs timeline run
    """
    repository = call.repository()

    def tell(line: str) -> None:
        if not call.quiet:
            click.echo(safe(line), file=sys.stderr if call.json else sys.stdout)
            (sys.stderr if call.json else sys.stdout).flush()

    try:
        repository.timeline.run(call.worktree, tell=tell)
    except KeyboardInterrupt as stopped:  # how it is meant to end
        return Outcome(
            {"ended": True},
            ["ended; nothing is half done"],
            exit_status=128 + stopping.number_of(stopped),
        )


@timeline.command()
@click.pass_obj
def on(call: Call) -> Outcome:
    """Turn the automatic history of this repository on.

    \b
    Example:
      jvs timeline on
    """
    return _switched(call, True)


@timeline.command()
@click.pass_obj
def off(call: Call) -> Outcome:
    """Turn the automatic history of this repository off; existing snapshots stay.

    \b
    Example:
      jvs timeline off
    """
    return _switched(call, False)


def _switched(call: Call, wanted: bool) -> Outcome:
    found = call.repository().timeline.switch(wanted)
    return Outcome(found.model_dump(), [f"Automatic history is {'on' if found.enabled else 'off'}"])
