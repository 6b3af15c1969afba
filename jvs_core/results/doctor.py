"""What the doctor found and repaired."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result
from jvs_core.validated import Field

RUNTIME_REPAIRS = ("clean_tmp", "clean_locks", "clean_intents", "finish_restore")
"""The repairs that are always safe."""


class Finding(Result):
    """Something that is wrong, and the repair for it, or None if only a person can repair it.

    ``action``, which is not in the JSON, says what the repair does, or what a person can do.
    """

    code: str
    severity: Literal["error", "warning", "info"]
    target: str
    message: str
    repair: str | None
    action: str = Field(default="", exclude=True)


class DoctorReport(Result):
    """What the doctor found after the repairs that you asked for."""

    healthy: bool
    findings: list[Finding]
    repaired: list[str] = Field(default_factory=list)
