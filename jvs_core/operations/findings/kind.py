"""What a kind of finding is: its code, how bad it is, and the repair that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jvs_core.results import Finding

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Kind:
    """One kind of finding; ``action`` says what ``repair`` does, or what a person can do where there is none."""

    code: str
    severity: Severity
    meaning: str
    repair: str | None
    action: str

    def at(self, target: str, message: str) -> Finding:
        """Return a finding of this kind."""
        return Finding(
            code=self.code,
            severity=self.severity,
            target=target,
            message=message,
            repair=self.repair,
            action=self.action,
        )


@dataclass(frozen=True)
class Loss:
    """One difference from the audit log, as a finding."""

    kind: Kind
    target: str
    message: str
