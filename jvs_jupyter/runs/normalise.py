"""Notebooks without what differs between two equal runs. ``docs/reference/runs.md`` lists what is ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

_NOTEBOOK_METADATA = ("papermill", "jvs", "widgets")
_CELL_METADATA = ("papermill", "execution", "ExecuteTime")
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,16}\b")
_SNAPSHOT_ID = re.compile(r"(?<![0-9A-Za-z])[0-9]{13}-[0-9a-f]{8}(?![0-9A-Za-z])")
_ANSWER = "jvs"  # in an output's metadata: what %jvs showed of the history
_KERNEL_FILE = re.compile(r"\bipykernel_\d+/\d+\.py\b")


def normalised(data: bytes, roots: Iterable[str] = ()) -> Any:
    """Return a notebook's JSON without ids, times and places; ``roots`` are worktree folders its text may name.

    Raises ValueError when ``data`` is no notebook.
    """
    nb = json.loads(data)
    if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list):
        raise ValueError("not a notebook of format 4")
    places = [root for root in roots if root]
    metadata = {k: v for k, v in nb.get("metadata", {}).items() if k not in _NOTEBOOK_METADATA}
    return {**nb, "metadata": metadata, "cells": [_cell(cell, places) for cell in nb["cells"]]}


def equal(one: bytes, other: bytes, roots: Iterable[str] = ()) -> bool:
    """Return whether two notebooks are the same but for what ``normalised`` leaves out."""
    places = list(roots)
    try:
        return bool(normalised(one, places) == normalised(other, places))
    except (ValueError, RecursionError):
        return False


def differing_cells(one: bytes, other: bytes, roots: Iterable[str] = ()) -> list[int]:
    """Return the places of the cells in which two notebooks differ, counted from 0; none where that cannot be told."""
    places = list(roots)
    try:
        pair = [normalised(data, places)["cells"] for data in (one, other)]
    except (ValueError, RecursionError):
        return []
    return [at for at, (cell, its) in enumerate(zip_longest(*pair)) if cell != its]


def _cell(cell: dict[str, Any], places: list[str]) -> dict[str, Any]:
    kept = {key: value for key, value in cell.items() if key != "id"}
    kept["metadata"] = {k: v for k, v in cell.get("metadata", {}).items() if k not in _CELL_METADATA}
    kept["source"] = _joined(cell.get("source", ""))
    if "outputs" in cell:
        kept["outputs"] = _outputs(cell["outputs"], places)
    return kept


def _outputs(outputs: list[dict[str, Any]], places: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for output in outputs:
        if _ANSWER in output.get("metadata", {}):
            found.append({**output, "data": None})
            continue
        plain = _text(output, places)
        same_stream = (
            found
            and plain.get("output_type") == "stream" == found[-1].get("output_type")
            and plain.get("name") == found[-1].get("name")
        )
        if same_stream:  # where a stream is cut depends on the moment
            found[-1] = {**found[-1], "text": found[-1]["text"] + plain["text"]}
        else:
            found.append(plain)
    return found


def _text(value: Any, places: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _text(item, places) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            return _text(_joined(value), places)
        return [_text(item, places) for item in value]
    if isinstance(value, str):
        for place in places:
            value = value.replace(place, "")
        value = _SNAPSHOT_ID.sub("SNAPSHOT", value)
        return _KERNEL_FILE.sub("ipykernel", _ADDRESS.sub("at 0x", value))
    return value


def _joined(text: Any) -> Any:
    return "".join(text) if isinstance(text, list) else text
