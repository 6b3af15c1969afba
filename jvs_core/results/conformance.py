"""Which requirements a file system meets."""

from __future__ import annotations

from typing import Any, Literal

from jvs_core.results.result import Result


class RequirementResult(Result):
    """One requirement, tried on a file system; ``reason`` says why it failed or was skipped."""

    id: str
    title: str
    status: Literal["PASS", "FAIL", "SKIP"]
    reason: str | None
    facts: dict[str, Any]


class ConformanceReport(Result):
    """The results of all requirements of a profile; ``passed`` and ``failed`` count them."""

    profile: Literal["dev", "release"]
    passed: int
    failed: int
    results: list[RequirementResult]
