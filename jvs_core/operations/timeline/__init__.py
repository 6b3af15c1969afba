"""Automatic history: when snapshots are taken unasked, which of them stay, and what was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.timeline import (
        announcements,
        keeper,
        keeping,
        losses,
        putting_back,
        schedule,
        standing,
        switching,
        thinning,
        versions,
        watching,
        words,
    )
else:
    __getattr__, __dir__ = attached(__name__)
