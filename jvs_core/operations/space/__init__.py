"""How much space a repository takes, what for, and what removing a snapshot gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.space import (
        measured,
        shares,
        stats,
    )
else:
    __getattr__, __dir__ = attached(__name__)
