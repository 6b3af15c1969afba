"""What a bisection found."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jvs_core.results.result import Result

BisectVerdict = Literal["good", "bad", "skip"]


class Tried(Result):
    """A snapshot that was tried, and what the command said of it; ``before`` says that an earlier call had tried it."""

    snapshot_id: str
    verdict: BisectVerdict
    before: bool = Field(default=False, exclude=True)


class Bisection(Result):
    """The first snapshot that is bad; None where only skipped ones are left, or the command could not decide.

    ``candidates`` are the snapshots among which the first bad one is, oldest first. ``refused`` is the exit status with
    which the command ended it all: 128 and more says nothing about a snapshot.
    """

    first_bad: str | None
    tried: list[Tried]
    candidates: list[str] = Field(exclude=True)
    refused: int | None = Field(default=None, exclude=True)

    def to_json(self) -> dict[str, Any]:
        """Return the contract's JSON."""
        return self.model_dump()
