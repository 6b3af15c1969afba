"""What a tool is: a name, a model of its arguments, and what it does for the agent that called it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from jvs_core import Progress, Repository

WAIT_S = 10.0


class Arguments(BaseModel):
    """Arguments of a tool: no coercion, nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Text = Annotated[str, Field(max_length=10_000)]
Short = Annotated[str, Field(min_length=1, max_length=200)]
Path = Annotated[
    str, Field(min_length=1, max_length=4_096, description="A path from the worktree's top folder")
]
Worktree = Annotated[
    str | None,
    Field(
        max_length=100, description="A worktree's name; default: the worktree in which the server was started"
    ),
]
SnapshotName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=204,
        description="An id, a unique prefix, a ref, HEAD or HEAD~N, tag:NAME, or a time: @2026-11-28T18:00, @yesterday, @2h",
    ),
]
Time = Annotated[
    str | None,
    Field(max_length=100, description="2026-11-28, 2026-11-28T18:00 (local time), yesterday, or 7d (ago)"),
]
Size = Annotated[int | None, Field(ge=0, le=2**53 - 1, description="In bytes")]
A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True)
class Desk:
    """What tools work with: the repository, whom to tell how far they are, and whether whoever called still waits.

    ``progress`` raises where the work can still be left once nobody waits.
    """

    repository: Repository
    progress: Progress
    cancelled: threading.Event


@dataclass(frozen=True)
class Tool(Generic[A]):
    """One tool. ``reads`` only reads; ``destroys`` changes or removes files that exist."""

    name: str
    description: str
    arguments: type[A]
    call: Callable[[Desk, A], dict[str, Any]]
    reads: bool = False
    destroys: bool = False


def counted(answer: dict[str, Any]) -> dict[str, Any]:
    """Return ``answer`` with ``counts`` of its lists of paths, whatever of them is shown."""
    return {**answer, "counts": {kind: len(answer[kind]) for kind in ("added", "modified", "removed")}}
