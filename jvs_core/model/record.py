"""What every record is: a frozen JSON object that is checked when it is read."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from jvs_core.errors import DescriptorCorrupt
from jvs_core.validated import Config, Model, ValidationError

R = TypeVar("R", bound="Record")


class Record(Model):
    """A frozen JSON object. Fields that it does not know are dropped."""

    model_config = Config(extra="ignore", strict=True)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values, in field order."""
        return self.model_dump()

    def changed(self, **fields: Any) -> Self:
        """Return a validated copy with ``fields`` replaced."""
        return type(self).model_validate({**self.model_dump(), **fields})

    @classmethod
    def parse(cls, data: bytes, what: str) -> Self:
        """Return the record that ``data`` holds.

        Raises
        ------
        DescriptorCorrupt
            ``data`` is not JSON of this shape; ``what`` names it in the message.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DescriptorCorrupt(
                f"{what} is damaged: {where + ': ' if where else ''}{first['msg']}", hint="jvs doctor"
            ) from error
