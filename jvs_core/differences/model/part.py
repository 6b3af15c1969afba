"""What every part of a difference is: a frozen value, written as JSON with all its fields."""

from __future__ import annotations

from typing import Any

from jvs_core.validated import Config, Model


class Part(Model):
    """A frozen value."""

    model_config = Config(extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Return the value as plain JSON values."""
        return self.model_dump()
