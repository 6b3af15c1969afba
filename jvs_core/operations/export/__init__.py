"""Exports: one snapshot, or a part of it, as a file or folder for somebody who has no JVS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.export import (
        exporting,
        place,
        selection,
    )
else:
    __getattr__, __dir__ = attached(__name__)
