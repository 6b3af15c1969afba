"""Finding what is wrong with a repository, and repairing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.doctor import (
        clearing,
        examination,
        heal,
        interrupted,
        log_repair,
        mending,
        payload_modes,
        repair,
        repair_tree,
        sources,
    )
else:
    __getattr__, __dir__ = attached(__name__)
