"""What every answer is: a frozen value that becomes the contract's JSON."""

from __future__ import annotations

from typing import Any

from jvs_core.validated import Config, Field, Model


class Result(Model):
    """A frozen answer."""

    model_config = Config(populate_by_name=True, serialize_by_alias=True)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        return self.model_dump()


class Made(Result):
    """Files that were written somewhere; ``degraded``, which is not in the JSON, says in words what is missing."""

    degraded: tuple[str, ...] = Field(default=(), exclude=True)
