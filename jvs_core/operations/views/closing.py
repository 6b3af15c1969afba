"""Closing views: who holds one lets it go, and the last one removes its folder."""

from __future__ import annotations

import os
from pathlib import Path

from jvs_core import files
from jvs_core.control import process
from jvs_core.control.records import journal
from jvs_core.errors import Conflict, PathNotFound
from jvs_core.model import Intent
from jvs_core.operations.context import Context
from jvs_core.operations.views.holding import described, holders, is_of
from jvs_core.results import View


def let_go(ctx: Context, intent: Intent) -> None:
    """Close one view, and remove its folder unless others hold it.

    The folder gets a hidden name first, so that nobody is given it any more. A crash leaves the intent, for ``doctor``.
    """
    tree = ctx.layout.views(intent.details["tree"])
    hidden = tree.with_name(intent.details["temporary"])
    with ctx.critical():
        others = [each for each in holders(ctx, tree.name) if each.intent_id != intent.intent_id]
        if others:
            journal.complete(ctx.layout, intent)
            return
        if os.path.lexists(tree):
            files.rename_new(tree, hidden)
    ctx.removal_engine().remove(hidden)
    journal.complete(ctx.layout, intent)


def close(ctx: Context, name: str | None, *, by_hand: bool) -> list[View]:
    """Close what this process, or ``by_hand`` its session, holds of the views that ``name`` names (None: all); return them.

    A view is named by its id or any path in it. Its folder stays while others hold it. One that was opened by hand can be
    closed from everywhere, and so can one whose process is gone; one that a running program holds only by that program, also
    where it is the session's own shell, as a kernel is for what its cells run.

    Raises
    ------
    PathNotFound
        No such view is open, or none by this session.
    Conflict
        A program that still runs holds it.
    """
    found = [intent for intent in holders(ctx) if name is None or _is_named(ctx, intent, name)]
    mine = [intent for intent in found if journal.is_own(intent)]
    owner = process.session(ctx.settings) if by_hand else process.own(ctx.settings)
    chosen = [
        intent
        for intent in mine
        if (is_of(intent, owner) and (intent.details["by_hand"] or not by_hand))
        or (name is not None and (intent.details["by_hand"] or journal.state(intent, ctx.settings) is False))
    ]
    if not chosen and found:
        other = found[-1]
        if name is not None:
            raise Conflict(
                f"the view {other.details['tree']} is also open in process {other.pid} of {other.holder_id}",
                hint="close it there, or end that process",
            )
    if not chosen:
        what = "this session has no view open" if name is None else f"no view {name!r} is open"
        raise PathNotFound(what, hint="list the open views with: jvs view")
    closed = [described(ctx, intent) for intent in chosen]
    for intent in chosen:
        let_go(ctx, intent)
    return closed


def clean(ctx: Context, intent: Intent) -> bool:
    """Close a view whose process is gone, and return whether that was done."""
    with ctx.critical():
        if not journal.is_dead(ctx.layout, ctx.settings, intent):
            return False
    let_go(ctx, intent)
    return True


def _is_named(ctx: Context, intent: Intent, name: str) -> bool:
    tree = ctx.layout.views(intent.details["tree"])
    place = Path(os.path.abspath(name))
    return name == tree.name or place == tree or tree in place.parents
