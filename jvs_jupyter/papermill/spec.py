"""A run as one JSON object: what a scheduler hands to ``jvs run exec --spec``, and a pool to its workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from jvs_core import InputError
from jvs_jupyter.papermill.values import decoded_all, encoded_all

Keep = Literal["failed", "all", "none"]
OUTPUT_SUFFIX = ".out.ipynb"


class RunSpec(BaseModel):
    """One run. Relative paths start from ``cwd`` of the caller; ``from`` names a snapshot and implies ``isolate``.

    ``output`` is where the output notebook goes (default: beside the notebook, ``NAME.out.ipynb``; an isolated run
    leaves it in its after-snapshot; ``deliver`` false leaves it there in any case). ``outputs`` is a folder that receives every file an isolated run made or changed.
    ``keep`` says which isolated worktrees stay. ``point`` is the digest that all attempts at one point of a sweep share.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    notebook: Annotated[str, Field(min_length=1)]
    parameters: dict[str, Any] = Field(default_factory=dict)
    output: str | None = None
    deliver: bool = True
    outputs: str | None = None
    from_: str | None = Field(default=None, alias="from")
    isolate: bool = False
    keep: Keep = "failed"
    repo: str | None = None
    worktree: str | None = None
    cwd: str | None = None
    kernel: str | None = None
    execution_timeout: Annotated[int, Field(gt=0)] | None = None
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

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the spec in a JSON file. Raises InputError."""
        try:
            return cls.parse(json.loads(path.read_bytes()))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise InputError(f"{path} is not JSON: {error}") from error


def default_output(notebook: str) -> str:
    """Return where the output notebook goes unless somebody says so: beside the notebook."""
    return str(Path(notebook).with_name(Path(notebook).stem + OUTPUT_SUFFIX))
