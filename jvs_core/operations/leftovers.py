"""Finding what a crash left behind: abandoned intents, incomplete snapshots, temporary files and folders."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jvs_core import regular
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.records import journal, kept, runs
from jvs_core.errors import JvsError, WorktreeNotFound
from jvs_core.files import TEMPORARY_SUFFIX
from jvs_core.model import VIEW, Descriptor, Intent
from jvs_core.operations.at_rest import at_rest, own_intents
from jvs_core.operations.context import Context

REMOVAL = "worktree_remove"
SNAPSHOT_INTENT = "snapshot"
_SETTLING_S = 60.0
_FOLDERS = (
    ".jvs/snapshots",
    ".jvs/descriptors",
    ".jvs/annotations",
    ".jvs/refs",
    ".jvs/worktrees",
    ".jvs/gc/pins",
    ".jvs/gc/plans",
    ".jvs/gc/tombstones",
    ".jvs/intents",
    ".jvs/runs",
    ".jvs/damage",
    ".jvs/views",
    "worktrees",
)
_OF_WORKTREES = (".jvs/worktrees", "worktrees")
_HIDDEN = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
# Records in these folders are written outside of the critical section, so a young one may be somebody's at work.
_UNLOCKED = (".jvs/intents", ".jvs/runs")


def abandoned(ctx: Context) -> list[Intent]:
    """Return the intents whose process is gone. One that may still run is left alone."""
    return [
        intent for intent in journal.pending(ctx.layout)[0] if journal.state(intent, ctx.settings) is False
    ]


def unfinished(ctx: Context, ledger: Ledger) -> Iterator[tuple[str, Descriptor]]:
    """Yield the snapshots that are in place, not in the log, and that an abandoned intent was to publish.

    Only the ledger of a sound log says so: one that is damaged lost the records of finished snapshots, too.
    """
    begun = {intent.snapshot_id for intent in abandoned(ctx) if intent.operation == SNAPSHOT_INTENT}
    for snapshot_id, descriptor in unlogged(ctx.layout, ledger):
        if snapshot_id in begun:
            yield snapshot_id, descriptor


def foreign(ctx: Context, ledger: Ledger) -> dict[str, Descriptor]:
    """Return the snapshots that are in place and that neither the log nor an intent of the caller's knows."""
    found = dict(unlogged(ctx.layout, ledger))
    if not found:
        return {}
    begun = {intent.intent_id for intent in own_intents(ctx)}
    with at_rest(ctx):
        known = ledgers.read(ctx.layout).snapshots
    return {
        snapshot_id: descriptor
        for snapshot_id, descriptor in found.items()
        if f"{SNAPSHOT_INTENT}-{snapshot_id}" not in begun and snapshot_id not in known
    }


def unlogged(layout: Layout, ledger: Ledger) -> Iterator[tuple[str, Descriptor]]:
    """Yield the snapshots that are in place, their descriptor perhaps still under its temporary name, but not in the log."""
    for name in names(layout, ".jvs/snapshots"):
        if name in ledger.snapshots or not catalog.is_id(name) or not layout.ready(name).is_file():
            continue
        path = layout.descriptor(name)
        for candidate in (path, path.with_name(path.name + TEMPORARY_SUFFIX)):
            if candidate.is_file():
                with suppress(JvsError, FileNotFoundError):  # it gets its name meanwhile
                    descriptor = Descriptor.parse(
                        regular.read_regular(candidate), f"the descriptor of {name}"
                    )
                    if descriptor.snapshot_id == name and descriptor.descriptor_checksum == catalog.checksum(
                        descriptor
                    ):
                        yield name, descriptor
                        break


def leftovers(ctx: Context, ledger: Ledger) -> Iterator[str]:
    """Yield the paths, relative to the repository, of temporary files and folders that nothing under way owns.

    A worktree may be named ``x.tmp``: among worktrees only the hidden names are JVS's own. A snapshot that has only its
    temporary name, though the log says that it is complete, is the only copy, and no leftover.
    """
    busy = under_way(ctx)
    orphans = {snapshot_id for snapshot_id, _ in unlogged(ctx.layout, ledger)}
    copies = list(kept.leftover_folders(ctx.layout))
    for folder in (*_FOLDERS, *copies):
        for name in names(ctx.layout, folder):
            base = name.removesuffix(TEMPORARY_SUFFIX)
            if name == base or {base, name, base.removesuffix(".json")} & busy:
                continue
            if folder in _OF_WORKTREES and not _HIDDEN.fullmatch(name):
                continue
            if _is_only_copy(ctx.layout, ledger, folder, base):
                continue
            if folder == ".jvs/descriptors" and base.removesuffix(".json") in orphans:
                continue
            if (folder in _UNLOCKED or folder in copies) and _is_young(ctx.layout.root / folder / name):
                continue
            yield f"{folder}/{name}"
    yield from _views_of_nobody(ctx)


def _views_of_nobody(ctx: Context) -> Iterator[str]:
    """Yield the folders of views that no intent names: a power cut may keep a folder whose intent had gone.

    An intent stands before there is a folder, so one is looked for after the folders were listed.
    """
    there = [name for name in names(ctx.layout, ".jvs/views") if re.fullmatch(VIEW[1:-1], name)]
    if there:
        held = {intent.details.get("tree") for intent in journal.pending(ctx.layout)[0]}
        yield from (f".jvs/views/{name}" for name in there if name not in held)


def _is_only_copy(layout: Layout, ledger: Ledger, folder: str, base: str) -> bool:
    own = base.removesuffix(".json")
    if folder == ".jvs/refs":
        known = own in ledger.refs
    elif folder == ".jvs/gc/pins":
        known = own in ledger.pins
    elif folder == ".jvs/gc/tombstones":
        known = own in ledger.removed
    elif folder == ".jvs/runs":
        return runs.is_draft(layout, own, ledger.runs.get(own, ""))
    elif folder in (".jvs/snapshots", ".jvs/descriptors"):
        known = own in ledger.snapshots and own not in ledger.removed
    else:
        return False
    return known and not os.path.lexists(layout.root / folder / base)


def under_way(ctx: Context) -> set[str]:
    """Return the snapshot ids and temporary names of operations that run, or may run on another host.

    Also of other users' operations, who clear up themselves, and of removals that may still be undone: the folder that
    they renamed away may be the only copy of something.
    """
    return {
        value
        for intent in journal.pending(ctx.layout)[0]
        if journal.state(intent, ctx.settings) is not False
        or not journal.is_own(intent)
        or is_undecided(ctx, intent)
        for value in (intent.snapshot_id, intent.details.get("temporary"))
        if isinstance(value, str)
    }


def is_undecided(ctx: Context, intent: Intent) -> bool:
    """Return whether ``intent`` is to remove a worktree that is registered still, or whose record cannot be read."""
    if intent.operation != REMOVAL:
        return False
    try:
        return ctx.worktree(str(intent.worktree)).worktree_id == intent.worktree_id
    except WorktreeNotFound:
        return False
    except JvsError:
        return True


def names(layout: Layout, folder: str) -> list[str]:
    """Return the names in a folder of the repository, sorted; none when it is missing."""
    return sorted(layout.listing(layout.root / folder))


def logged_but_gone(ctx: Context, ledger: Ledger) -> list[str]:
    """Return the snapshots that are gone from the disk although the log has no removal of them."""
    return sorted(ledger.snapshots.keys() - ledger.removed - set(catalog.ids(ctx.layout)))


def _is_young(path: Path) -> bool:
    """Return whether something was changed a moment ago, or the file of a copy in it was, which grows while it is made."""
    try:
        newest = path.lstat().st_mtime
        with suppress(FileNotFoundError, NotADirectoryError):
            newest = max(newest, (path / kept.FILE_NAME).lstat().st_mtime)
    except FileNotFoundError:
        return True
    return newest > time.time() - _SETTLING_S
