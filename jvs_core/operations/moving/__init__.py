"""Repositories that come from elsewhere: clones of others, and what JVS in Go left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.moving import (
        arriving,
        clone,
        cut,
        go_hash,
        go_payload,
        go_repository,
        importing,
        records,
        site,
        unpacking,
    )
else:
    __getattr__, __dir__ = attached(__name__)
