"""Garbage collection: which snapshots may be removed, why the others stay, and removing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.gc import (
        aftermath,
        dropping,
        planning,
        protection,
        reserve,
        retention,
        running,
    )
else:
    __getattr__, __dir__ = attached(__name__)
