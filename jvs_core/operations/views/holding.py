"""Who holds which view: the intents of views."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jvs_core.control.records import journal
from jvs_core.model import Intent
from jvs_core.operations.context import Context
from jvs_core.results import View

VIEW = "view"


def holders(ctx: Context, tree: str | None = None) -> list[Intent]:
    """Return the intents of all views, or of one, oldest first, whoever wrote them."""
    return [
        intent
        for intent in journal.pending(ctx.layout)[0]
        if intent.operation == VIEW and tree in (None, intent.details["tree"])
    ]


def is_complete(ctx: Context, intent: Intent) -> bool:
    """Return whether a view's folder is there, with all that belongs in it."""
    return intent.details["tree"] in ctx.layout.listing(ctx.layout.views())


def is_of(intent: Intent, owner: Mapping[str, Any]) -> bool:
    """Return whether a view is held by the process that the fields ``owner`` name."""
    return (intent.boot_id, intent.pid_namespace, intent.pid, intent.process_start) == tuple(
        owner[field] for field in ("boot_id", "pid_namespace", "pid", "process_start")
    )


def path_of(ctx: Context, intent: Intent) -> Path:
    """Return what a view shows: its folder, or the path in it."""
    return ctx.layout.views(intent.details["tree"]) / os.fsdecode(bytes.fromhex(intent.details["inner"]))


def described(ctx: Context, intent: Intent) -> View:
    """Return a view as its holder is told."""
    return View(
        view_id=intent.details["tree"],
        path=str(path_of(ctx, intent)),
        snapshot_id=str(intent.snapshot_id),
        inner=os.fsdecode(bytes.fromhex(intent.details["inner"])),
        opened_at=intent.started_at,
        opened_by=intent.holder_id,
        pid=intent.pid,
        by_hand=bool(intent.details["by_hand"]),
        abandoned=journal.state(intent, ctx.settings) is False,
    )
