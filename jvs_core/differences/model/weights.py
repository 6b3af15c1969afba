"""Models and arrays, by what their headers say. Nothing is unpickled."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences.model.part import Part
from jvs_core.validated import Field


class TensorFacts(Part):
    """One array: ``dtype`` is the file's own word, ``bytes`` is what its values take, None where the header does not say."""

    dtype: str
    shape: list[int]
    bytes: int | None = None


class TensorChange(Part):
    """One array by name. ``values``: same dtype and shape, other values."""

    name: str
    change: Literal["added", "removed", "shape", "values"]
    old: TensorFacts | None
    new: TensorFacts | None


class FactChange(Part):
    """One thing that the header says (``opset``, ``class`` …), as text, cut; None where it does not say it."""

    name: str
    old: str | None
    new: str | None


class ModelDetail(Part):
    """How a model or a file of arrays changed. ``values_compared`` is False where equal headers may hide other values."""

    kind: Literal["model"] = "model"
    format: Literal["npy", "npz", "safetensors", "onnx", "pickle", "joblib"]
    old_tensors: int = 0
    new_tensors: int = 0
    tensors: list[TensorChange] = Field(default_factory=list)
    facts: list[FactChange] = Field(default_factory=list)
    values_compared: bool = True
