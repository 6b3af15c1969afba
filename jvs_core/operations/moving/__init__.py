"""Repositories that come from elsewhere: clones of others, and what JVS 0.1.0 and JVS in Go left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.moving import (
        arriving,
        clone,
        configured,
        cut,
        first_import,
        first_repository,
        go_hash,
        go_import,
        go_payload,
        go_repository,
        importing,
        old,
        old_files,
        records,
        site,
        unpacking,
    )
else:
    __getattr__, __dir__ = attached(__name__)
