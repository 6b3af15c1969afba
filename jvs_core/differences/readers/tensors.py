"""Named arrays of two files, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from jvs_core.differences.bounds import Notes
from jvs_core.differences.model import FactChange, ModelDetail, TensorChange, TensorFacts
from jvs_core.wording import counted

Format = Literal["npy", "npz", "safetensors", "onnx", "pickle", "joblib"]
_LONGEST_FACT = 500


class Tensor(NamedTuple):
    """What a header says of an array, and what tells whether its values are the same; ``mark`` is None where nothing does."""

    facts: TensorFacts
    mark: object


def detail(
    form: Format,
    old: Mapping[str, Tensor],
    new: Mapping[str, Tensor],
    notes: Notes,
    *,
    facts: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
) -> ModelDetail:
    """Return the arrays that differ, by name, and the facts that do."""
    changed = list(_changed(old, new))
    most = notes.bounds.tensors_shown
    if len(changed) > most:
        notes.stop(f"{counted(len(changed), 'array')} changed: the first {most:,} are shown")
    return ModelDetail(
        format=form,
        old_tensors=len(old),
        new_tensors=len(new),
        tensors=changed[:most],
        facts=list(_facts(*facts))[:most],
        values_compared=all(tensor.mark is not None for side in (old, new) for tensor in side.values()),
    )


def _changed(old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> Iterator[TensorChange]:
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        change: Literal["added", "removed", "shape", "values"]
        if one is None:
            change = "added"
        elif other is None:
            change = "removed"
        elif (one.facts.dtype, one.facts.shape) != (other.facts.dtype, other.facts.shape):
            change = "shape"
        elif None not in (one.mark, other.mark) and one.mark != other.mark:
            change = "values"
        else:
            continue
        yield TensorChange(
            name=name[:_LONGEST_FACT],
            change=change,
            old=one.facts if one else None,
            new=other.facts if other else None,
        )


def _facts(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[FactChange]:
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        if one != other:
            yield FactChange(
                name=name[:_LONGEST_FACT],
                old=None if one is None else one[:_LONGEST_FACT],
                new=None if other is None else other[:_LONGEST_FACT],
            )
