"""Proofs: what a repository recorded of snapshots and runs, to be checked by somebody who has only the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.proof import (
        checking,
        making,
        members,
    )
else:
    __getattr__, __dir__ = attached(__name__)
