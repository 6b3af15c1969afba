"""Safetensors: a JSON header, then the values."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, BinaryIO

from jvs_core.differences.bounds import MB, Notes, Unreadable
from jvs_core.differences.model import ModelDetail, TensorFacts
from jvs_core.differences.readers.tensors import Tensor, detail
from jvs_core.differences.version import Version

_PIECE = 1 << 20
_NO_FILE: tuple[dict[str, Tensor], dict[str, str]] = ({}, {})


def read(old: Version | None, new: Version | None, notes: Notes) -> ModelDetail:
    """Return how the tensors changed. Raises Unreadable for what is no such file."""
    sides = [_NO_FILE if side is None else _one(side, notes) for side in (old, new)]
    return detail("safetensors", sides[0][0], sides[1][0], notes, facts=(sides[0][1], sides[1][1]))


def _one(side: Version, notes: Notes) -> tuple[dict[str, Tensor], dict[str, str]]:
    with side.opened() as stream:
        start = stream.read(8)
        if len(start) < 8:
            raise Unreadable("it is not a safetensors file")
        (length,) = struct.unpack("<Q", start)
        if not 2 <= length <= min(notes.bounds.header, max(side.side.size - 8, 0)):
            raise Unreadable("it is not a safetensors file, or its header is too long")
        data = stream.read(length)
        try:
            if data.count(b",") + data.count(b"[") + data.count(b"{") > notes.bounds.json_values:
                raise Unreadable("its header is too long")
            header = json.loads(data)
        except (ValueError, RecursionError):
            raise Unreadable("it is not a safetensors file") from None
        if not isinstance(header, dict):
            raise Unreadable("it is not a safetensors file")
        said = header.pop("__metadata__", None)
        facts = {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
        places = {name: place for name, value in header.items() if (place := _place(value)) is not None}
        marks: Mapping[str, object] = {}
        if side.side.size <= notes.bounds.values:
            marks = _digests(stream, places)
        else:
            notes.stop(f"values are compared only in files of up to {notes.bounds.values / MB:,.0f} MB")
    found = {
        name: Tensor(_facts(header[name], start, end), marks.get(name))
        for name, (start, end) in places.items()
    }
    return found, facts


def _place(value: Any) -> tuple[int, int] | None:
    offsets = value.get("data_offsets") if isinstance(value, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(isinstance(at, int) for at in offsets):
        return None
    start, end = offsets
    return (start, end) if 0 <= start <= end < 1 << 62 else None


def _facts(value: dict[str, Any], start: int, end: int) -> TensorFacts:
    shape = value.get("shape")
    counts = [count for count in shape[:64] if isinstance(count, int)] if isinstance(shape, list) else []
    return TensorFacts(dtype=str(value.get("dtype"))[:50], shape=counts, bytes=end - start)


def _digests(stream: BinaryIO, places: Mapping[str, tuple[int, int]]) -> Mapping[str, object]:
    """Return a digest of each tensor's bytes, read in one go; none for those that overlap others."""
    found = {}
    at = 0
    for name, (start, end) in sorted(places.items(), key=lambda item: item[1]):
        if start < at:
            continue
        _skip(stream, start - at)
        state = sha256(usedforsecurity=False)
        left = end - start
        while left and (piece := stream.read(min(left, _PIECE))):
            state.update(piece)
            left -= len(piece)
        at = end
        if not left:
            found[name] = state.digest()
    return found


def _skip(stream: BinaryIO, count: int) -> None:
    while count and (piece := stream.read(min(count, _PIECE))):
        count -= len(piece)
