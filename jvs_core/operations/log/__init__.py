"""Comparing the audit log with the repository: what is lost, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations.log import (
        annotation_differences,
        differences,
        lost,
        report,
    )
else:
    __getattr__, __dir__ = attached(__name__)
