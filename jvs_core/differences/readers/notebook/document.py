"""A notebook as its file has it, of format 3 or 4, without believing that it keeps to the format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.version import Version
from jvs_core.wording import counted

_OLD_MIMES = {
    "text": "text/plain", "html": "text/html", "svg": "image/svg+xml", "png": "image/png", "jpeg": "image/jpeg",
    "latex": "text/latex", "json": "application/json", "javascript": "application/javascript", "pdf": "application/pdf",
}  # fmt: skip
_OLD_TYPES = {"pyout": "execute_result", "pyerr": "error"}


@dataclass(frozen=True)
class Cell:
    """One cell; ``outputs`` are as in format 4, ``metadata`` and ``attachments`` what the file has."""

    index: int
    type: str
    source: str
    id: str | None
    metadata: dict[str, Any]
    outputs: Sequence[dict[str, Any]]
    attachments: dict[str, Any]
    execution: int | None


@dataclass(frozen=True)
class Notebook:
    """All cells in order; ``format`` is ``major.minor``."""

    format: str
    metadata: dict[str, Any]
    cells: Sequence[Cell]

    @property
    def language(self) -> str:
        """The language of its code, ``""`` where it does not say."""
        for field in ("language_info", "kernelspec"):
            info = mapping(self.metadata.get(field))
            name = info.get("name" if field == "language_info" else "language")
            if isinstance(name, str):
                return name
        return ""


def parsed(version: Version, notes: Notes) -> Notebook:
    """Return the notebook in a file. Raises Unreadable for what is none, or beyond a bound."""
    data = version.read(notes.bounds.notebook)
    values = data.count(b",") + data.count(b"[") + data.count(b"{")
    if values > notes.bounds.json_values:
        raise Unreadable(f"its JSON has more than {notes.bounds.json_values:,} values")
    try:
        found = json.loads(data)
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"it is not a notebook: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise Unreadable("it is not a notebook: its JSON is not an object")
    return _notebook(found, notes)


def _notebook(found: dict[str, Any], notes: Notes) -> Notebook:
    major, minor = found.get("nbformat"), found.get("nbformat_minor", 0)
    if isinstance(found.get("cells"), list):
        raw, read = found["cells"], _cell
    elif isinstance(found.get("worksheets"), list):
        raw, read = (
            [cell for sheet in found["worksheets"] for cell in sequence(mapping(sheet).get("cells"))],
            _old_cell,
        )
    else:
        raise Unreadable("it is not a notebook: it has no cells")
    if len(raw) > notes.bounds.cells:
        raise Unreadable(f"it has {counted(len(raw), 'cell')}; JVS compares at most {notes.bounds.cells:,}")
    cells = [read(at, mapping(cell)) for at, cell in enumerate(raw)]
    shown = f"{major}.{minor}" if isinstance(major, int) and isinstance(minor, int) else "?"
    return Notebook(shown, mapping(found.get("metadata")), cells)


def _cell(index: int, cell: dict[str, Any]) -> Cell:
    found_id = cell.get("id")
    return Cell(
        index,
        kind if isinstance(kind := cell.get("cell_type"), str) else "",
        joined(cell.get("source")),
        found_id if isinstance(found_id, str) else None,
        mapping(cell.get("metadata")),
        [each for each in sequence(cell.get("outputs")) if isinstance(each, dict)],
        mapping(cell.get("attachments")),
        _count(cell.get("execution_count")),
    )


def _old_cell(index: int, cell: dict[str, Any]) -> Cell:
    kind, source = cell.get("cell_type"), joined(cell.get("input", cell.get("source")))
    if kind == "heading":
        level = cell.get("level")
        kind, source = "markdown", f"{'#' * min(level if isinstance(level, int) else 1, 6)} {source}"
    outputs = [_old_output(each) for each in sequence(cell.get("outputs")) if isinstance(each, dict)]
    execution = _count(cell.get("prompt_number"))
    return Cell(
        index,
        kind if isinstance(kind, str) else "",
        source,
        None,
        mapping(cell.get("metadata")),
        outputs,
        {},
        execution,
    )


def _old_output(output: dict[str, Any]) -> dict[str, Any]:
    kind = output.get("output_type")
    kind = _OLD_TYPES.get(kind, kind) if isinstance(kind, str) else ""
    if kind == "stream":
        return {"output_type": kind, "name": output.get("stream", "stdout"), "text": output.get("text", "")}
    if kind == "error":
        return {**output, "output_type": kind}
    data = {_OLD_MIMES[key]: value for key, value in output.items() if key in _OLD_MIMES}
    return {"output_type": kind, "metadata": mapping(output.get("metadata")), "data": data}


def mapping(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """Return a JSON array, or an empty one in the place of anything else."""
    return value if isinstance(value, list) else []


def joined(value: Any) -> str:
    """Return a text that may be a list of its lines."""
    if isinstance(value, str):
        return value
    return "".join(_texts(sequence(value)))


def _texts(parts: list[Any]) -> Iterator[str]:
    return (part for part in parts if isinstance(part, str))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
