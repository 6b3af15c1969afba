"""A run as one JSON object: what a scheduler hands to ``jvs run exec --spec``, and a pool to its workers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from jvs_core import InputError, Repository, Run
from jvs_jupyter.runs.values import decoded_all, encoded_all

Keep = Literal["failed", "all", "none"]


class Spec(BaseModel, ABC):
    """What every run may be asked for. ``from`` names a snapshot and implies ``isolate``.

    Relative paths start from ``cwd`` of the caller. ``outputs`` is a folder that receives every file an isolated run made
    or changed, caches apart; ``deliver`` false leaves them in the after-snapshot. ``keep`` says which isolated worktrees
    stay. ``point`` is the digest that all attempts at one point of a sweep share.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    parameters: dict[str, Any] = Field(default_factory=dict)
    deliver: bool = True
    outputs: str | None = None
    from_: str | None = Field(default=None, alias="from")
    isolate: bool = False
    keep: Keep = "failed"
    repo: str | None = None
    worktree: str | None = None
    cwd: str | None = None
    wait_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    point: str | None = None
    reproduces: str | None = None

    @field_validator("parameters")
    @classmethod
    def _as_they_were(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """Take values as a record has them, too. Raises InputError for one that no record can keep."""
        return decoded_all(encoded_all(decoded_all(parameters)))

    @property
    def isolated(self) -> bool:
        """Whether the run gets a worktree of its own."""
        return self.isolate or self.from_ is not None

    @property
    @abstractmethod
    def subject(self) -> str:
        """What is run, in words."""

    @abstractmethod
    def settled(self, here: Path, worktree: str) -> Self:
        """Return the spec with its paths made absolute, as any process may run it. ``here`` is the worktree's folder.

        Raises InputError for what is not in the worktree.
        """

    @abstractmethod
    def identity(self, here: Path) -> str:
        """Return what names the work among all that may run in the worktree."""

    @abstractmethod
    def repeats(self, run: Run, here: Path) -> bool:
        """Return whether a recorded point of a sweep is one of the same work."""

    @abstractmethod
    def result(self, folder: Path, label: str) -> Path:
        """Return where in ``folder`` the result of the point called ``label`` goes."""

    @abstractmethod
    def hand_over(self, repository: Repository, run: Run, target: Path) -> None:
        """Write the result of a run to ``target``. Raises JvsError."""

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain JSON values, from which ``parse`` makes it again."""
        return {**self.model_dump(by_alias=True), "parameters": encoded_all(self.parameters)}

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Return the spec that a JSON object describes. Raises InputError naming the field."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the spec"
            raise InputError(f"{where}: {first['msg']}", hint="see docs/reference/runs.md") from error


def read(path: Path) -> Any:
    """Return what a JSON file holds. Raises InputError."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
