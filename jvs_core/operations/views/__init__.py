"""Views: read-only copies of snapshots to look at, kept from gc while they are open.

An intent stands for each who holds a view, from before its folder exists until after it is gone; several may hold one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.views import (
        closing,
        holding,
        opening,
    )
else:
    __getattr__, __dir__ = attached(__name__)
