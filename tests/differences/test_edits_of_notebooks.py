"""Each kind of edit of real notebooks: of our tutorials, of other packages' examples and tests."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jvs_core.differences.model import NotebookCounts, NotebookDetail
from tests.differences.inside import changed, detail

ROOT = Path(__file__).parents[2]
NONE = NotebookCounts()
Edit = Callable[[Any], None]


def folders() -> Iterator[Path]:
    """Yield the folders with notebooks."""
    yield ROOT / "notebooks"
    yield Path(__file__).parent / "notebooks"
    for package in ("papermill", "scrapbook"):
        found = find_spec(package)
        if found is not None and found.origin is not None:
            yield Path(found.origin).parent / "tests" / "notebooks"


def is_fit(path: Path) -> bool:
    """Say whether a notebook has two cells at least, each with a source of its own."""
    sources = ["".join(cell["source"]) for cell in json.loads(path.read_bytes())["cells"]]
    return len(sources) > 1 and len(set(sources)) == len(sources) and all(map(str.strip, sources[:1]))


def longest(path: Path) -> int:
    """Return how many lines the longest cell of a notebook has."""
    return max("".join(cell["source"]).count("\n") + 1 for cell in json.loads(path.read_bytes())["cells"])


NOTEBOOKS = sorted(path for folder in folders() for path in folder.rglob("*.ipynb") if is_fit(path))


def read(path: Path) -> Any:
    """Return a notebook in the present format, with ids, every source and output in one text."""
    return json.loads(nbformat.writes(nbformat.read(path, as_version=4), split_lines=False))


def compared(old: Any, new: Any, **how: Any) -> NotebookDetail:
    """Return how two notebooks differ."""
    return detail(changed("a.ipynb", json.dumps(old), json.dumps(new, indent=1), **how), NotebookDetail)


def test_there_are_thirty() -> None:
    assert len(NOTEBOOKS) >= 30


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Any:
    """Return one notebook after the other."""
    return read(request.param)


def test_counts_ids_and_the_form_of_the_file_are_no_change(notebook: Any) -> None:
    new = copy.deepcopy(notebook)
    for number, cell in enumerate(new["cells"]):
        cell.pop("id", None)
        if cell["cell_type"] == "code":
            cell["execution_count"] = number + 100
            for output in cell["outputs"]:
                if "execution_count" in output:
                    output["execution_count"] = number + 100
        cell["metadata"]["ExecuteTime"] = {"end_time": str(number)}
    new["metadata"]["widgets"] = {"state": {}}
    found = compared(notebook, new)
    assert (found.counts, found.metadata) == (NONE, [])
    assert [cell.change for cell in found.cells] == ["same"]
    assert found.cells[0].count == len(notebook["cells"])
    code = sum(cell["cell_type"] == "code" for cell in notebook["cells"])
    asked = compared(notebook, new, everything=True)
    assert sum(cell.execution is not None for cell in asked.cells) == code
    assert [field.name for field in asked.metadata] == ["widgets"]


def test_an_edited_cell(notebook: Any) -> None:
    for at in range(len(notebook["cells"])):
        new = copy.deepcopy(notebook)
        new["cells"][at]["source"] += "\nadded = 1"
        found = compared(notebook, new)
        assert found.counts == NotebookCounts(edited=1)
        (cell,) = [cell for cell in found.cells if cell.change != "same"]
        assert (cell.old_index, cell.new_index, cell.moved) == (at, at, False)
        assert cell.old_source == notebook["cells"][at]["source"]
        assert [line.text for hunk in cell.hunks for line in hunk.lines if line.op == "+"][-1:] == [
            "added = 1"
        ]


def test_a_cell_that_is_gone_and_one_that_came(notebook: Any) -> None:
    for at in range(len(notebook["cells"])):
        new = copy.deepcopy(notebook)
        del new["cells"][at]
        gone = compared(notebook, new)
        assert gone.counts == NotebookCounts(removed=1)
        assert [cell.old_index for cell in gone.cells if cell.change == "removed"] == [at]
        came = compared(new, notebook)
        assert came.counts == NotebookCounts(added=1)
        assert [cell.new_index for cell in came.cells if cell.change == "added"] == [at]


@pytest.mark.parametrize("with_ids", [True, False], ids=["ids", "no ids"])
def test_a_cell_that_moved(notebook: Any, with_ids: bool) -> None:
    if not with_ids:
        for cell in notebook["cells"]:
            cell.pop("id", None)
    new = copy.deepcopy(notebook)
    new["cells"].append(new["cells"].pop(0))
    found = compared(notebook, new)
    assert found.counts == NotebookCounts(moved=1)
    (cell,) = [cell for cell in found.cells if cell.moved]
    last = len(notebook["cells"]) - 1
    assert (cell.old_index, cell.new_index) in ((0, last), (1, 0))  # of two, either moved


def test_a_cell_that_was_edited_where_ids_count_the_cells(notebook: Any) -> None:
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
    new = copy.deepcopy(notebook)
    new["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "A beginning of its own."})
    for number, cell in enumerate(new["cells"]):
        cell["id"] = f"cell-{number}"
    assert compared(notebook, new).counts == NotebookCounts(added=1)


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if longest(path) > 3], ids=lambda path: path.stem
)
def test_split_and_joined_cells_touch_no_others(path: Path) -> None:
    notebook = read(path)
    at = max(range(len(notebook["cells"])), key=lambda place: notebook["cells"][place]["source"].count("\n"))
    lines = notebook["cells"][at]["source"].split("\n")
    new = copy.deepcopy(notebook)
    half = len(lines) // 2
    second = {"cell_type": new["cells"][at]["cell_type"], "metadata": {}, "source": "\n".join(lines[half:])}
    if second["cell_type"] == "code":
        second |= {"outputs": new["cells"][at]["outputs"], "execution_count": None}
        new["cells"][at]["outputs"] = []
    new["cells"][at]["source"] = "\n".join(lines[:half])
    new["cells"].insert(at + 1, second)
    split = compared(notebook, new)
    touched = [cell for cell in split.cells if cell.change != "same"]
    assert {cell.new_index for cell in touched} <= {at, at + 1, None}
    assert {cell.old_index for cell in touched} <= {at, None}
    assert split.counts.edited == split.counts.added == 1
    joined = compared(new, notebook)
    assert joined.counts.edited == joined.counts.removed == 1


def test_other_outputs(notebook: Any) -> None:
    for at, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        new = copy.deepcopy(notebook)
        new["cells"][at]["outputs"] = [
            *cell["outputs"],
            {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "new one"}},
        ]
        found = compared(notebook, new)
        assert found.counts == NotebookCounts(outputs=1)
        (other,) = [cell for cell in found.cells if cell.change != "same"]
        (output,) = other.outputs
        assert (output.change, output.new_index, output.old_index) == ("added", len(cell["outputs"]), None)
        assert [mime.mime for mime in output.mimes] == ["text/plain"]


def test_metadata_only(notebook: Any) -> None:
    new = copy.deepcopy(notebook)
    new["metadata"]["kernelspec"] = {"name": "other", "display_name": "Other", "language": "julia"}
    found = changed("a.ipynb", json.dumps(notebook), json.dumps(new))
    assert found.words == "metadata"
    assert detail(found, NotebookDetail).counts == NONE
    new = copy.deepcopy(notebook)
    new["cells"][0]["metadata"]["tags"] = ["parameters-of-mine"]
    edited = compared(notebook, new)
    assert edited.counts == NotebookCounts(edited=1)
    assert [field.name for cell in edited.cells for field in cell.metadata] == ["tags"]


def test_from_format_3(notebook: Any) -> None:
    before = json.loads(
        nbformat.writes(nbformat.convert(nbformat.from_dict(copy.deepcopy(notebook)), 3), version=3)
    )
    assert before["nbformat"] == 3
    for sheet in before["worksheets"]:
        for cell in sheet["cells"]:
            cell["metadata"].pop("collapsed", None)
    found = changed("a.ipynb", json.dumps(before), json.dumps(notebook))
    counts = detail(found, NotebookDetail).counts
    assert (counts.added, counts.removed, counts.moved) == (0, 0, 0)
    assert detail(found, NotebookDetail).formats[0] == "3.0"
    sources = [hunk for cell in detail(found, NotebookDetail).cells for hunk in cell.hunks]
    assert sources == []


def test_streams_in_other_pieces_are_the_same(notebook: Any) -> None:
    new = copy.deepcopy(notebook)
    for cell in new["cells"]:
        pieces = []
        for output in cell.get("outputs", ()):
            if output["output_type"] == "stream" and len(output["text"]) > 1:
                half = len(output["text"]) // 2
                pieces += [
                    {**output, "text": output["text"][:half]},
                    {**output, "text": output["text"][half:]},
                ]
            else:
                pieces.append(output)
        if "outputs" in cell:
            cell["outputs"] = pieces
    assert compared(notebook, new).counts == NONE


def test_a_notebook_that_is_new_or_gone(notebook: Any) -> None:
    text = json.dumps(notebook)
    new, gone = changed("a.ipynb", None, text), changed("a.ipynb", text, None)
    count = len(notebook["cells"])
    assert detail(new, NotebookDetail).counts.added == detail(gone, NotebookDetail).counts.removed == count
    assert new.words == gone.words == f"{count} cells"


def test_many_edits_at_once_are_all_told() -> None:
    random.seed(3)
    for path in NOTEBOOKS:
        old = read(path)
        if len(old["cells"]) < 10:
            continue
        new = copy.deepcopy(old)
        places = random.sample(range(1, len(old["cells"]) - 1), 4)
        edited, gone, moving, _ = places
        new["cells"][edited]["source"] += "\n# edited"
        moved = new["cells"][moving]
        fresh = {"cell_type": "markdown", "metadata": {}, "source": "Entirely of today, with nothing alike."}
        target = new["cells"][0]
        lost = new["cells"][gone]
        new["cells"] = [cell for cell in new["cells"] if cell is not lost and cell is not moved]
        new["cells"].insert(next(at for at, cell in enumerate(new["cells"]) if cell is target) + 1, fresh)
        new["cells"].append(moved)
        found = compared(old, new)
        assert (found.counts.edited, found.counts.removed, found.counts.added) == (1, 1, 1), path
        assert found.counts.moved == 1
