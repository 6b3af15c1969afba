"""Intents: what is under way, durable before its first byte is written, removed after its last."""

from __future__ import annotations

import os
import threading
import uuid
from pathlib import Path
from typing import Any

from jvs_core import canonical, clock, files
from jvs_core.control import critical, process
from jvs_core.control.layout import Layout
from jvs_core.errors import FencingMismatch, JvsError
from jvs_core.model import Intent
from jvs_core.settings import Settings

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
    **details: Any,
) -> Intent:
    """Write a new intent, durable. ``details`` are what a repair needs to finish or undo the operation.

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
        **process.own(settings),
    )
    layout.complete()
    path = layout.intents / f"{intent.intent_id}.json"
    files.create_atomic(path, canonical.dumps(intent.to_json()) + b"\n", mode=layout.file_mode)
    _SIGNS[intent.intent_id] = ended = threading.Event()
    threading.Thread(target=_give_signs, args=(path, ended), name="jvs-intent", daemon=True).start()
    return intent


def revise(layout: Layout, intent: Intent, **details: Any) -> None:
    """Change what an intent says of its operation, durable; in the critical section. A crash leaves the old or the new."""
    critical.require(layout.repository_lock)
    intent.details.update(details)
    path = layout.intents / f"{intent.intent_id}.json"
    files.write_atomic(path, canonical.dumps(intent.to_json()) + b"\n", mode=layout.file_mode)


def complete(layout: Layout, intent: Intent, *, durable: bool = False) -> None:
    """Remove an intent whose operation is finished, or undone without a trace.

    Without ``durable`` it may come back after a power cut and is resolved again: right where that gives the same
    result, whatever was done in between.
    """
    ended = _SIGNS.pop(intent.intent_id, None)
    if ended is not None:
        ended.set()
    path = layout.intents / f"{intent.intent_id}.json"
    if durable:
        files.remove_file(path)
    else:
        path.unlink(missing_ok=True)


def require(layout: Layout, intent: Intent) -> None:
    """Make sure that nobody gave the operation up for dead. Raises FencingMismatch.

    Whoever publishes something calls this in the critical section: who clears up after the dead removes their intents
    there first.
    """
    if f"{intent.intent_id}.json" not in layout.listing(layout.intents):
        raise FencingMismatch(
            f"this {intent.operation.replace('_', ' ')} was silent for so long that it was given up for dead",
            hint="run the command again",
        )


def is_own(intent: Intent) -> bool:
    """Return whether the caller wrote an intent: nobody carries out what another user wrote."""
    return intent.uid is None or intent.uid == os.geteuid()


def state(intent: Intent, settings: Settings) -> bool | None:
    """Return whether the operation of an intent is under way; None where that cannot be known."""
    return process.is_running(intent, settings, seen_ms=intent.seen_ms)


def pending(layout: Layout) -> tuple[list[Intent], list[str]]:
    """Return the intents under way or abandoned, oldest first, and the names of files that cannot be read.

    One whose name is not that of its file cannot be read.
    """
    found: list[Intent] = []
    unreadable: list[str] = []
    for name in sorted(layout.listing(layout.intents)):
        if not name.endswith(".json"):
            continue
        path = layout.intents / name
        try:
            about = os.lstat(path)
            intent = Intent.parse(layout.read(path), f"intent {name}")
        except FileNotFoundError:
            continue
        except JvsError:
            unreadable.append(name)
            continue
        if name != f"{intent.intent_id}.json":
            unreadable.append(name)
            continue
        found.append(
            intent.model_copy(update={"uid": about.st_uid, "seen_ms": about.st_mtime_ns // 1_000_000})
        )
    return sorted(found, key=lambda intent: intent.started_at), unreadable


def _give_signs(path: Path, ended: threading.Event) -> None:
    """Show that the operation is under way: the time of its intent's file is that of its last sign of life."""
    while not ended.wait(process.SIGN_OF_LIFE_S):
        try:
            os.utime(path, follow_symlinks=False)
        except OSError:
            return
