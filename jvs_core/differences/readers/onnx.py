"""ONNX models, by the fields of their protocol buffer; only those are looked at that say what the model is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.model import ModelDetail, TensorFacts
from jvs_core.differences.readers.tensors import Tensor, detail
from jvs_core.differences.version import Version

_DTYPES = dict(
    enumerate(
        [
            "undefined",
            "float32",
            "uint8",
            "int8",
            "uint16",
            "int16",
            "int32",
            "int64",
            "string",
            "bool",
            "float16",
            "float64",
            "uint32",
            "uint64",
            "complex64",
            "complex128",
            "bfloat16",
            "float8e4m3fn",
            "float8e4m3fnuz",
            "float8e5m2",
            "float8e5m2fnuz",
            "uint4",
            "int4",
            "float4e2m1",
        ]
    )
)
_MOST_FIELDS = 2_000_000
_MOST_NAMES = 100
_NO_FILE: tuple[dict[str, Tensor], dict[str, str]] = ({}, {})


class _Field(NamedTuple):
    number: int
    value: int
    data: memoryview


class _Reader:
    """Reads fields of messages, no more of them than a file of a sensible size has."""

    def __init__(self) -> None:
        self._left = _MOST_FIELDS

    def fields(self, data: memoryview) -> Iterator[_Field]:
        at, empty = 0, data[:0]
        while at < len(data):
            self._left -= 1
            if self._left < 0:
                raise Unreadable("it has too many fields")
            key, at = _varint(data, at)
            number, kind = key >> 3, key & 7
            if kind == 0:
                value, at = _varint(data, at)
                yield _Field(number, value, empty)
                continue
            if kind == 2:
                size, at = _varint(data, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise Unreadable("it is not an ONNX model")
            if number == 0 or at + size > len(data):
                raise Unreadable("it is not an ONNX model")
            yield _Field(number, 0, data[at : at + size])
            at += size


def read(old: Version | None, new: Version | None, notes: Notes) -> ModelDetail:
    """Return how a model changed. Raises Unreadable for what is none."""
    sides = [
        _NO_FILE if side is None else _model(memoryview(side.read(notes.bounds.values)))
        for side in (old, new)
    ]
    return detail("onnx", sides[0][0], sides[1][0], notes, facts=(sides[0][1], sides[1][1]))


def _model(data: memoryview) -> tuple[dict[str, Tensor], dict[str, str]]:
    reader = _Reader()
    facts: dict[str, str] = {}
    tensors: dict[str, Tensor] = {}
    graphs = 0
    for field in reader.fields(data):
        if field.number == 1:
            facts["ir version"] = str(field.value)
        elif field.number == 2:
            facts["producer"] = _text(field.data)
        elif field.number == 3:
            facts["producer version"] = _text(field.data)
        elif field.number == 7:
            graphs += 1
            _graph(reader, field.data, facts, tensors)
        elif field.number == 8:
            domain, version = _opset(reader, field.data)
            facts[f"opset {domain}".strip()] = str(version)
    if not graphs or "ir version" not in facts:
        raise Unreadable("it is not an ONNX model")
    return tensors, facts


def _graph(reader: _Reader, data: memoryview, facts: dict[str, str], tensors: dict[str, Tensor]) -> None:
    operators: Counter[str] = Counter()
    names: dict[str, list[str]] = {"inputs": [], "outputs": []}
    for field in reader.fields(data):
        if field.number == 1:
            operators[_first_text(reader, field.data, 4)] += 1
        elif field.number == 5:
            name, tensor = _tensor(reader, field.data)
            tensors[name] = tensor
        elif field.number in (11, 12):
            names["inputs" if field.number == 11 else "outputs"].append(_first_text(reader, field.data, 1))
    facts["nodes"] = str(operators.total())
    facts.update({f"operator {name}": str(count) for name, count in operators.most_common(_MOST_NAMES)})
    facts.update({key: ", ".join(found[:_MOST_NAMES]) for key, found in names.items()})


def _tensor(reader: _Reader, data: memoryview) -> tuple[str, Tensor]:
    name, dtype, size = "", 0, None
    shape: list[int] = []
    for field in reader.fields(data):
        if field.number == 1 and field.data:  # packed
            at = 0
            while at < len(field.data) and len(shape) < 64:
                count, at = _varint(field.data, at)
                shape.append(count)
        elif field.number == 1 and len(shape) < 64:
            shape.append(field.value)
        elif field.number == 2:
            dtype = field.value
        elif field.number == 8:
            name = _text(field.data)
        elif field.number == 9:
            size = len(field.data)
    facts = TensorFacts(dtype=_DTYPES.get(dtype, str(dtype)), shape=shape, bytes=size)
    return name, Tensor(facts, sha256(data, usedforsecurity=False).digest())


def _opset(reader: _Reader, data: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for field in reader.fields(data):
        if field.number == 1:
            domain = _text(field.data)
        elif field.number == 2:
            version = field.value
    return domain, version


def _first_text(reader: _Reader, data: memoryview, number: int) -> str:
    return next((_text(field.data) for field in reader.fields(data) if field.number == number), "")


def _text(data: memoryview) -> str:
    return bytes(data[:500]).decode("utf-8", "backslashreplace")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Unreadable("it is not an ONNX model")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
