"""A worktree's lock, as operations use it: for the caller's session, or for the time of one operation."""

from __future__ import annotations

from jvs_core.operations.locking.renewal import renewing
from jvs_core.operations.locking.session_lock import (
    acquire,
    check,
    current,
    refuse_if_held,
    release,
    renew,
    status,
    take_once,
)
from jvs_core.operations.locking.turn import Locking, hold, writing
