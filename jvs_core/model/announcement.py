"""What a program that takes automatic snapshots says of itself."""

from __future__ import annotations

from typing import Any

from jvs_core.model.forms import Timestamp, Uuid
from jvs_core.model.process import Process


class Announcement(Process):
    """When a process takes the next snapshot of a worktree, and the error for which it cannot; not in a repository."""

    worktree_id: Uuid
    said_at: Timestamp
    next_at: Timestamp | None
    reason: dict[str, Any] | None
