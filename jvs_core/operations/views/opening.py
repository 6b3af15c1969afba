"""Opening a view: one that is there already, else a new one under a temporary name until it is complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jvs_core import clock, files
from jvs_core.control import catalog, process
from jvs_core.control.records import journal
from jvs_core.errors import EngineFailed, JvsError
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Intent
from jvs_core.operations import damage, stored
from jvs_core.operations.context import Context, step
from jvs_core.operations.export.selection import Selection, choose
from jvs_core.operations.views import closing
from jvs_core.operations.views.holding import VIEW, holders, is_complete, is_of, path_of
from jvs_core.payload.check.comparison import Depth
from jvs_core.payload.check.status import check_some
from jvs_core.payload.engines import read_only
from jvs_core.progress import Progress


def open_view(ctx: Context, snapshot_id: str, path: str, *, by_hand: bool, progress: Progress) -> Intent:
    """Return the intent by which the caller, or ``by_hand`` their session, holds a view of ``path`` in a snapshot.

    A view of the same that the same user has open is shared, once it was looked at; a session that holds it already gets
    that. A crash leaves an intent whose process is gone, and perhaps a hidden folder, both of which ``doctor`` clears.

    Raises
    ------
    PathNotFound, SnapshotExpired, PayloadHashMismatch, DescriptorCorrupt, PartialSnapshot
        There is nothing to look at.
    NoSpace, EngineFailed
        It cannot be made; or the repository is not the caller's to write to.
    """
    _require_writable(ctx)
    with stored.unless_gone(ctx.layout, snapshot_id):
        chosen = choose(ctx, snapshot_id, path)
    owner = process.session(ctx.settings) if by_hand else process.own(ctx.settings)
    files.make_folder(ctx.layout.views(), mode=ctx.layout.folder_mode, exist_ok=True)
    shared = _share(ctx, chosen, owner, by_hand)
    if shared is not None:
        return shared
    name = f"{snapshot_id.rpartition('-')[2]}-{secrets.token_hex(4)}"
    temporary = f".{name}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}"
    with step(progress, "intent"), ctx.critical():
        catalog.require_kept(ctx.layout, snapshot_id)  # from here on the intent keeps it from gc
        intent = _begin(ctx, chosen, owner, by_hand, name, temporary)
    try:
        _make(ctx, chosen, intent, progress)
    except BaseException:
        with suppress(OSError, JvsError):
            closing.let_go(ctx, intent)
        raise
    return intent


@contextmanager
def opened(ctx: Context, snapshot_id: str, path: str, progress: Progress) -> Iterator[Path]:
    """Open a view for a ``with`` block, which gets its path. Raises as ``open_view``."""
    intent = open_view(ctx, snapshot_id, path, by_hand=False, progress=progress)
    try:
        yield path_of(ctx, intent)
    finally:
        closing.let_go(ctx, intent)


def _share(ctx: Context, chosen: Selection, owner: dict[str, Any], by_hand: bool) -> Intent | None:
    """Hold a view of the same that is open and still as it was made."""
    with ctx.critical():
        alike = [intent for intent in holders(ctx) if _shows(ctx, intent, chosen)]
        if not alike:
            return None
        mine = [each for each in alike if by_hand and each.details["by_hand"] and is_of(each, owner)]
        tree, temporary = (str(alike[-1].details[name]) for name in ("tree", "temporary"))
        intent = mine[-1] if mine else _begin(ctx, chosen, owner, by_hand, tree, temporary)
    try:
        check_some(ctx.layout.views(intent.details["tree"]), chosen.entries, Depth.SUSPECT).require_content()
    except BaseException as error:
        if not mine:
            with suppress(OSError, JvsError):
                closing.let_go(ctx, intent)
        if isinstance(
            error, JvsError
        ):  # root wrote to it, say: who has it open goes on with it, and nobody else gets it
            return None
        raise
    return intent


def _shows(ctx: Context, intent: Intent, chosen: Selection) -> bool:
    return (
        journal.is_own(intent)
        and intent.snapshot_id == chosen.source.descriptor.snapshot_id
        and intent.details["inner"] == chosen.path.hex()
        and journal.state(intent, ctx.settings) is True
        and is_complete(ctx, intent)
    )


def _begin(
    ctx: Context, chosen: Selection, owner: dict[str, Any], by_hand: bool, tree: str, temporary: str
) -> Intent:
    return ctx.begin(
        VIEW,
        snapshot_id=chosen.source.descriptor.snapshot_id,
        owner=owner,
        tree=tree,
        inner=chosen.path.hex(),
        temporary=temporary,
        by_hand=by_hand,
    )


def _make(ctx: Context, chosen: Selection, intent: Intent, progress: Progress) -> None:
    """Make the folder of a view under its temporary name, then give it its own."""
    folder = ctx.layout.views()
    temporary = folder / intent.details["temporary"]
    source = chosen.source
    with journal.standing(ctx.layout, intent), step(progress, "view", len(chosen.entries)):
        if not chosen.path:
            damage.require_whole(ctx, source)
        with source.read(), ctx.bringing():
            read_only.make(
                ctx.engine(),
                source.payload,
                source.entries,
                chosen.entries,
                temporary,
                since_ns=clock.parse(source.descriptor.created_at) * 1_000_000,
                progress=progress,
            )
    with uninterrupted(), ctx.critical():
        journal.require(ctx.layout, intent)
        with step(progress, "publish"):
            files.rename_new(temporary, ctx.layout.views(intent.details["tree"]))


def _require_writable(ctx: Context) -> None:
    for folder in (ctx.layout.control, ctx.layout.intents):
        if folder.exists() and not os.access(folder, os.W_OK, effective_ids=True):
            raise EngineFailed(
                f"{ctx.layout.root} is not writable for you, and a view needs it",
                hint="jvs export SNAPSHOT PATH -o FOLDER makes a copy in your own folder",
            )
