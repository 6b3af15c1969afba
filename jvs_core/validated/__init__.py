"""Values that are checked when they are made: classes with annotated fields, on pydantic's validator without its classes.

Importing pydantic and having it build the first class takes three quarters of the start of a command, its compiled
validator (``pydantic_core``) a tenth of that. So the classes here translate their annotations to its schemas by
themselves. Names and rules are pydantic's: ``tests/core/validated`` compares every schema with the one that pydantic makes.
"""

from __future__ import annotations

from pydantic_core import ValidationError

from jvs_core.validated.field import (
    AfterValidator,
    Config,
    Field,
    FieldInfo,
    field_validator,
    model_validator,
)
from jvs_core.validated.model import Model

__all__ = [
    "AfterValidator", "Config", "Field", "FieldInfo", "Model", "ValidationError", "field_validator", "model_validator",
]  # fmt: skip
