"""Notebooks, cell by cell."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences.model.image import ImageDetail
from jvs_core.differences.model.part import Part
from jvs_core.differences.model.text import Hunk
from jvs_core.validated import Field


class FieldChange(Part):
    """A field of metadata; ``name`` is its path with dots, ``old`` and ``new`` are JSON text, cut, None where it is missing."""

    name: str
    old: str | None
    new: str | None


class MimeChange(Part):
    """One representation of an output; sizes are those of its text in the notebook, None where it is missing.

    ``hunks`` is set for text, ``image`` for images.
    """

    mime: str
    change: Literal["added", "removed", "changed"]
    old_size: int | None
    new_size: int | None
    hunks: list[Hunk] | None = None
    image: ImageDetail | None = None


class OutputChange(Part):
    """One output that changed; the indices count the cell's outputs. ``type`` is nbformat's ``output_type`` (of the new one)."""

    change: Literal["added", "removed", "changed"]
    type: str
    old_index: int | None
    new_index: int | None
    mimes: list[MimeChange]


class CellChange(Part):
    """One cell, or ``count`` cells in a row that did not change (``same``), from these indices on.

    The indices count the notebook's cells, None where the cell is missing; in a notebook of format 3 those of all worksheets,
    one after the other. A cell that ``moved`` stands where it is now. ``old_source`` and ``new_source`` are whole texts, None where
    there is none or it is longer than 100 kB; ``hunks`` is what changed in them. ``execution`` are the counts, old and new, where asked for.
    """

    change: Literal["same", "added", "removed", "changed"]
    moved: bool = False
    count: int = 1
    old_index: int | None
    new_index: int | None
    cell_type: str = ""
    old_cell_type: str | None = None
    cell_id: str | None = None
    old_source: str | None = None
    new_source: str | None = None
    hunks: list[Hunk] = Field(default_factory=list)
    outputs: list[OutputChange] = Field(default_factory=list)
    metadata: list[FieldChange] = Field(default_factory=list)
    attachments: list[MimeChange] = Field(default_factory=list)
    execution: tuple[int | None, int | None] | None = None


class NotebookCounts(Part):
    """How many cells: ``edited`` in source, type, metadata or attachments; ``outputs`` with other outputs (also edited ones)."""

    added: int = 0
    removed: int = 0
    edited: int = 0
    moved: int = 0
    outputs: int = 0


class NotebookDetail(Part):
    """How a notebook changed: all its cells in order, unchanged ones folded. Removed ones stand where they were.

    ``metadata`` is that of the notebook. ``formats`` is nbformat's version, ``major.minor``, old and new; ``language`` is that of
    its code, ``""`` where it does not say. Execution counts, cell ids, widget state, trust and scrolling are no change unless asked for.
    """

    kind: Literal["notebook"] = "notebook"
    formats: tuple[str | None, str | None]
    language: str = ""
    old_cells: int
    new_cells: int
    counts: NotebookCounts
    cells: list[CellChange]
    metadata: list[FieldChange] = Field(default_factory=list)
