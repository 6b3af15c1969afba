"""Intents: what is under way, durable before its first byte is written, removed after its last."""

from __future__ import annotations

import uuid
from typing import Any

from jvs_core import canonical, clock, files
from jvs_core.control import process
from jvs_core.control.layout import Layout
from jvs_core.errors import JvsError
from jvs_core.model import Intent
from jvs_core.settings import Settings


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
    return intent


def complete(layout: Layout, intent: Intent, *, durable: bool = False) -> None:
    """Remove an intent whose operation is finished, or undone without a trace.

    Without ``durable`` it may come back after a power cut and is resolved again: right where that gives the same
    result, whatever was done in between.
    """
    path = layout.intents / f"{intent.intent_id}.json"
    if durable:
        files.remove_file(path)
    else:
        path.unlink(missing_ok=True)


def pending(layout: Layout) -> tuple[list[Intent], list[str]]:
    """Return the intents under way or abandoned, oldest first, and the names of files that cannot be read."""
    found: list[Intent] = []
    unreadable: list[str] = []
    for name in sorted(layout.listing(layout.intents)):
        if not name.endswith(".json"):
            continue
        try:
            found.append(Intent.parse(layout.read(layout.intents / name), f"intent {name}"))
        except FileNotFoundError:
            continue
        except JvsError:
            unreadable.append(name)
    return sorted(found, key=lambda intent: intent.started_at), unreadable
