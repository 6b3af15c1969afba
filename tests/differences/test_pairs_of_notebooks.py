"""Pairs of real notebooks, and how many of their cells changed how: each was looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core.differences.model import NotebookDetail
from tests.differences.inside import changed, detail

PLACE = Path(__file__).parent / "notebooks"
# Old, new, and how many cells were added, removed, edited, moved, and have other outputs.
PAIRS = [
    ("apap--1", "apap--2", 1, 1, 0, 0, 0),
    ("apap--2", "apap--3", 0, 0, 2, 0, 1),
    ("apap--3", "apap", 0, 1, 1, 0, 1),
    ("attachment--change_attachment", "attachment--empty_attachments_list", 0, 0, 1, 0, 0),
    ("attachment--empty_attachments_list", "attachment--remove_attachment", 0, 0, 0, 0, 0),
    ("attachment--remove_attachment", "attachment", 0, 0, 1, 0, 0),
    ("cellids--base", "cellids--local", 1, 1, 2, 0, 1),
    ("cellids--local", "cellids--remote", 2, 2, 1, 1, 1),
    ("error--1", "error--2", 0, 0, 2, 0, 2),
    ("foo--1", "foo--2", 0, 0, 2, 0, 1),
    ("inline-conflict--1", "inline-conflict--2", 0, 0, 1, 0, 1),
    ("inline-conflict--2", "inline-conflict--3", 0, 0, 1, 0, 1),
    ("markdown-only--1", "markdown-only--2", 0, 0, 2, 0, 0),
    ("mixed-conflicts--1", "mixed-conflicts--2", 0, 0, 3, 0, 3),
    ("mixed-conflicts--2", "mixed-conflicts--3", 0, 0, 3, 0, 3),
    ("multi_cell_nb--cellchange", "multi_cell_nb--local", 2, 2, 2, 0, 1),
    ("multi_cell_nb--local", "multi_cell_nb--remote", 0, 0, 4, 0, 2),
    ("multi_cell_nb--remote", "multi_cell_nb", 0, 0, 1, 0, 0),
    ("multilevel-test-base", "multilevel-test-local", 0, 0, 1, 0, 1),
    ("multilevel-test-local", "multilevel-test-merged", 0, 0, 1, 0, 1),
    ("multilevel-test-merged", "multilevel-test-remote", 0, 0, 1, 0, 1),
    ("output-conflict--1", "output-conflict--2", 1, 1, 1, 0, 1),
    ("output-conflict--2", "output-conflict--3", 0, 0, 1, 0, 1),
    ("single_cell_nb--changed_ec", "single_cell_nb--changed_metadata", 0, 0, 1, 0, 0),
    ("single_cell_nb--changed_metadata", "single_cell_nb--changed_output", 0, 0, 1, 0, 1),
    ("single_cell_nb--changed_output", "single_cell_nb--changed_source", 0, 0, 1, 0, 1),
    ("single_cell_nb--changed_source", "single_cell_nb--changed_source_output", 0, 0, 0, 0, 1),
    ("single_cell_nb--changed_source_output", "single_cell_nb--changed_source_output_ec", 0, 0, 0, 0, 0),
    ("single_cell_nb--changed_source_output_ec", "single_cell_nb--json_output", 0, 0, 1, 0, 1),
    ("single_cell_nb--json_output", "single_cell_nb--json_output_changed", 0, 0, 0, 0, 1),
    ("single_cell_nb--json_output_changed", "single_cell_nb", 0, 0, 0, 0, 1),
    ("source-conflict--1", "source-conflict--2", 0, 0, 1, 0, 0),
    ("source-conflict--2", "source-conflict--3", 0, 0, 1, 0, 0),
    ("src-and-output--1", "src-and-output--2", 0, 0, 0, 0, 4),
    ("test-data-singlecell--1", "test-data-singlecell--2", 0, 0, 1, 0, 0),
    ("unicode--1", "unicode--2", 0, 0, 1, 0, 0),
]


@pytest.mark.parametrize(("old", "new", "added", "removed", "edited", "moved", "outputs"), PAIRS)
def test_the_cells_that_changed_are_these(
    old: str, new: str, added: int, removed: int, edited: int, moved: int, outputs: int
) -> None:
    both = [(PLACE / f"{name}.ipynb").read_bytes() for name in (old, new)]
    there = changed("a.ipynb", *both)
    counts = detail(there, NotebookDetail).counts
    assert (counts.added, counts.removed, counts.edited, counts.moved, counts.outputs) == (
        added, removed, edited, moved, outputs,
    )  # fmt: skip
    assert there.stopped == []
    back = detail(changed("a.ipynb", *reversed(both)), NotebookDetail).counts
    assert (back.added, back.removed) == (removed, added)


@pytest.mark.parametrize("name", sorted(path.stem for path in PLACE.glob("*.ipynb")))
def test_each_cell_is_told_of_once(name: str) -> None:
    old, new = (PLACE / "multi_cell_nb.ipynb").read_bytes(), (PLACE / f"{name}.ipynb").read_bytes()
    if old == new:
        return
    found = detail(changed("a.ipynb", old, new), NotebookDetail)
    olds: list[int] = []
    news: list[int] = []
    for cell in found.cells:
        olds += [] if cell.old_index is None else range(cell.old_index, cell.old_index + cell.count)
        news += [] if cell.new_index is None else range(cell.new_index, cell.new_index + cell.count)
    assert sorted(olds) == list(range(found.old_cells))
    assert news == list(range(found.new_cells))
