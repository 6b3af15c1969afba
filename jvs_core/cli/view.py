"""``jvs view``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import PathInSnapshot, Snapshot
from jvs_core.cli.text import columns, identifier, safe
from jvs_core.errors import InputError

if TYPE_CHECKING:
    from jvs_core.results import View


class OpenedView:
    """The path of a view that was just opened."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.path = view.path

    def to_json(self) -> dict[str, Any]:
        """Return the contract's JSON."""
        return {"path": self.path}


@click.command(cls=Command)
@click.argument("snapshot", required=False, type=Snapshot())
@click.argument("path", default="", type=PathInSnapshot())
@click.option(
    "--close",
    is_flag=True,
    help="Close the view with this id or path; without one, all views that you opened in this terminal.",
)
@click.pass_obj
def view(call: Call, snapshot: str | None, path: str, close: bool) -> Outcome:
    """Open a read-only view of a snapshot, or of PATH in it, and print its path.

    Without SNAPSHOT, list the open views. The view shares blocks with the snapshot if the file system can, and is a
    copy otherwise: nothing that happens to it changes the snapshot. gc keeps the snapshot while the view is open.
    Close it with --close. jvs doctor --repair-runtime closes the views of ended sessions.

    \b
    Example:
      jvs view HEAD~2 data/x.csv
      jvs view
      jvs view --close
    """
    repository = call.repository()
    if close:
        if path:
            raise InputError("--close takes one view", hint="jvs view --close PATH")
        closed = repository.views.close(snapshot, by_hand=call.by_hand)
        return Outcome(
            {"closed": [each.path for each in closed]}, [f"Closed {safe(each.path)}" for each in closed]
        )
    if snapshot is None:
        found = repository.views.all()
        rows = [
            (
                each.view_id,
                identifier(each.snapshot_id),
                each.opened_at[:19] + "Z",
                f"{safe(each.opened_by)}, pid {each.pid}",
                style("its session has ended", fg="yellow") if each.abandoned else "",
                safe(each.path),
            )
            for each in found
        ]
        return Outcome(found, columns(rows) if rows else ["No view is open"])
    made = repository.views.open(
        snapshot, path, by_hand=call.by_hand, worktree=call.worktree, progress=call.progress()
    )
    advice = [f"close it with: jvs view --close {made.view_id}"] if call.by_hand else []
    return Outcome(OpenedView(made), [safe(made.path)], advice=advice, exact=made.path)
