"""A worktree's lock, as operations use it: for the caller's session, or for the time of one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
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
else:
    __getattr__, __dir__ = attached(
        __name__,
        {
            ".renewal": "renewing",
            ".session_lock": "acquire check current refuse_if_held release renew status take_once",
            ".turn": "Locking hold writing",
        },
    )
