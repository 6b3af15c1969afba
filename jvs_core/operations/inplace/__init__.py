"""In-place restore: its plan, carrying it out, completing it after a crash, and single paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.inplace import (
        completion,
        path_exchange,
        path_restore,
        pending,
        plan,
        restoring,
        saving,
        several,
        targets,
        undoing,
        unfinished,
    )
else:
    __getattr__, __dir__ = attached(__name__)
