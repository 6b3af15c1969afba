"""Intents: what is under way, durable before its first byte is written, removed after its last."""

from __future__ import annotations

import os
import stat
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jvs_core import canonical, clock, files
from jvs_core.control import control_folders, process
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import FencingMismatch, JvsError
from jvs_core.model import Intent
from jvs_core.settings import Settings

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_SIGNS: dict[str, threading.Event] = {}


def begin(
    layout: Layout,
    settings: Settings,
    operation: str,
    *,
    worktree: str | None = None,
    worktree_id: str | None = None,
    snapshot_id: str | None = None,
    fencing_token: int | None = None,
    owner: Mapping[str, Any] | None = None,
    **details: Any,
) -> Intent:
    """Write a new intent, durable. ``details`` are what a repair needs to finish or undo the operation.

    It is the caller's, or that of the process ``owner``, by the fields that name one.
    Only an intent to make a snapshot is named after it: of one snapshot many restores may be under way.
    """
    own = snapshot_id if operation == "snapshot" and snapshot_id else uuid.uuid4().hex
    intent = Intent(
        intent_id=f"{operation}-{own}",
        operation=operation,
        worktree=worktree,
        worktree_id=worktree_id,
        snapshot_id=snapshot_id,
        fencing_token=fencing_token,
        holder_id=settings.holder_id,
        started_at=clock.timestamp(),
        details=details,
        **(process.own(settings) if owner is None else owner),
    )
    control_folders.complete(layout)
    path = layout.intents / f"{intent.intent_id}.json"
    files.create_atomic(path, canonical.dumps(intent.to_json()) + b"\n", mode=layout.intent_mode)
    _SIGNS[intent.intent_id] = ended = threading.Event()
    threading.Thread(target=_give_signs, args=(path, ended), name="jvs-intent", daemon=True).start()
    return intent


def revise(layout: Layout, intent: Intent, **details: Any) -> None:
    """Change what an intent says of its operation, durable; in the critical section. A crash leaves the old or the new.

    One that was removed does not come back: raises FencingMismatch, as ``require`` does.
    """
    critical.require(layout.repository_lock)
    require(layout, intent)
    intent.details.update(details)
    path = layout.intents / f"{intent.intent_id}.json"
    files.write_atomic(path, canonical.dumps(intent.to_json()) + b"\n", mode=layout.intent_mode)


def leave(layout: Layout, intent: Intent) -> None:
    """Mark a failed operation as abandoned, so that others complete or undo it although this process goes on.

    Does nothing where the intent is gone, or cannot be rewritten: then it counts as under way until the process ends.
    """
    _end_signs(intent)
    path = layout.intents / f"{intent.intent_id}.json"
    with suppress(OSError, JvsError):
        if _stands(layout, intent):
            nobody = intent.changed(process_start=0)
            files.write_atomic(path, canonical.dumps(nobody.to_json()) + b"\n", mode=layout.intent_mode)


def _end_signs(intent: Intent) -> None:
    ended = _SIGNS.pop(intent.intent_id, None)
    if ended is not None:
        ended.set()


def complete(layout: Layout, intent: Intent, *, durable: bool = False) -> None:
    """Remove an intent whose operation is finished, or completely undone.

    Without ``durable`` it may come back after a power cut and is resolved again; use it only where that gives the same
    result, whatever was done in between.
    """
    _end_signs(intent)
    path = layout.intents / f"{intent.intent_id}.json"
    if durable:
        files.remove_file(path)
    else:
        files.unlink(path, missing_ok=True)


def require(layout: Layout, intent: Intent) -> None:
    """Make sure that nobody declared the operation dead. Raises FencingMismatch.

    Whoever publishes something calls this in the critical section: whoever clears up after dead operations removes
    their intents there first.
    """
    if not _stands(layout, intent):
        raise _given_up(intent)


@contextmanager
def standing(layout: Layout, intent: Intent) -> Iterator[None]:
    """Turn failures of the block into FencingMismatch where the intent is gone: others cleared away what it was making.

    Only an OSError or a JvsError of the block is replaced.
    """
    try:
        yield
    except (OSError, JvsError) as error:
        if isinstance(error, FencingMismatch) or _stands(layout, intent):
            raise
        raise _given_up(intent) from error


def is_dead(layout: Layout, settings: Settings, intent: Intent) -> bool:
    """Return whether an intent is still there and its operation dead; in the critical section."""
    critical.require(layout.repository_lock)
    now = None
    # Listed first: on JuiceFS a look-up may find what another client removed a moment ago.
    if _stands(layout, intent):
        with suppress(FileNotFoundError):
            now = _read(layout, f"{intent.intent_id}.json")
    return now is not None and state(now, settings) is False


def _stands(layout: Layout, intent: Intent) -> bool:
    return f"{intent.intent_id}.json" in layout.listing(layout.intents)


def _given_up(intent: Intent) -> FencingMismatch:
    return FencingMismatch(
        f"this {intent.operation.replace('_', ' ')} was silent for so long that others treated it as dead",
        hint="run the command again",
    )


def is_own(intent: Intent) -> bool:
    """Return whether the caller wrote an intent: nobody carries out the intents of another user."""
    return intent.uid is None or intent.uid == os.geteuid()


def state(intent: Intent, settings: Settings) -> bool | None:
    """Return whether the operation of an intent is under way; None where that cannot be known."""
    silent = bool(intent.details.get("by_hand"))
    return process.is_running(intent, settings, seen_ms=intent.seen_ms, silent=silent)


def pending(layout: Layout) -> tuple[list[Intent], list[str]]:
    """Return the intents under way or abandoned, oldest first, and the names of files that cannot be read."""
    found: list[Intent] = []
    unreadable: list[str] = []
    for name in sorted(layout.listing(layout.intents)):
        if not name.endswith(".json"):
            continue
        with suppress(FileNotFoundError):
            intent = _read(layout, name)
            if intent is None:
                unreadable.append(name)
            else:
                found.append(intent)
    return sorted(found, key=lambda intent: intent.started_at), unreadable


def _read(layout: Layout, name: str) -> Intent | None:
    """Return the intent in the file ``name``, None for one that cannot be read.

    One whose name is not that of its file cannot be read, nor one that others than its owner can write: whose words it
    holds is not known. Owner, mode and content are of one descriptor, so nobody can exchange the file in between.
    """
    try:
        data, about = layout.read_with_status(layout.intents / name)
        intent = Intent.parse(data, f"intent {name}")
    except JvsError:
        return None
    if name != f"{intent.intent_id}.json" or about.st_mode & _WRITABLE_BY_OTHERS:
        return None
    return intent.model_copy(update={"uid": about.st_uid, "seen_ms": about.st_mtime_ns // 1_000_000})


def _give_signs(path: Path, ended: threading.Event) -> None:
    """Show that the operation is under way, by setting the time of its intent's file to now again and again."""
    while not ended.wait(process.SIGN_OF_LIFE_S):
        try:
            files.touch(path)
        except FileNotFoundError:
            return
        except (OSError, JvsError):
            continue  # a mount that hangs may come back
