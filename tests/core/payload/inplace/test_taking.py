"""Replacing and removing a name while others save there: whatever they save, and whenever, is found afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from jvs_core import renames
from jvs_core.errors import StorageError
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.inplace import converge, taking
from jvs_core.payload.inplace.guarded import Guarded
from jvs_core.payload.inplace.steps import plan
from jvs_core.payload.inplace.taking import Taken
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.walk import Scan

SAVED = "saved by the editor"
Save = Callable[[Path], object]


def described(root: Path) -> Scan:
    """Return the tree with contents and attributes."""
    return describe(root, StatIndex(None), clock_folder=root.parent, with_attributes=True)


def over(path: Path) -> None:
    """Save as most editors do."""
    aside = path.with_name(".editing")
    aside.write_text(SAVED)
    os.replace(aside, path)


def in_place(path: Path) -> None:
    """Save as the others do."""
    path.write_text(SAVED)


@pytest.fixture
def pair(workdir: Path) -> tuple[Path, Path]:
    """Return a tree and one that it is to become: ``note`` differs, ``extra`` is to go, ``new`` is to come."""
    here, there = workdir / "here", workdir / "there"
    for root, text in ((here, "old"), (there, "wanted")):
        root.mkdir()
        (root / "note").write_text(text)
        (root / "kept").write_text("kept")
    (here / "extra").write_text("extra")
    (there / "new").write_text("new")
    return here, there


def texts(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text() for name in sorted(os.listdir(root))}


@pytest.mark.in_turn
@pytest.mark.parametrize("save", [over, in_place])
@pytest.mark.parametrize("name", ["note", "extra", "new"])
@pytest.mark.parametrize("nth", range(1, 9))
def test_a_save_at_any_rename_is_left_where_it_was_made(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, save: Save, name: str, nth: int
) -> None:
    here, there = pair
    count = [0]

    def late(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            count[0] += 1
            if count[0] == nth:
                save(here / name)
            return function(*args)

        return call

    steps = plan(described(here), described(there).entries)
    monkeypatch.setattr(renames, "_rename", late(renames._rename))
    done = converge.apply(here, there, steps)
    found = texts(here)
    assert not any(other.startswith(".jvs-restore-") for other in found)
    if count[0] >= nth:
        assert found.pop(name) == SAVED
        assert (
            found
            == {other: text for other, text in texts(there).items() if other != name}
            | ({"extra": "extra"} if "extra" in found else {})
            or done.overtaken
        )
    else:
        assert found == texts(there)


@pytest.mark.parametrize("name", ["note", "extra"])
def test_what_a_program_writes_to_a_file_that_was_taken_away_is_put_back(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here, there = pair
    with (here / name).open("r+") as opened:

        def late(folders: Folders, taken: Sequence[Taken]) -> list[bytes]:
            opened.write(SAVED)
            opened.flush()
            return give_up(folders, taken)

        give_up = taking.give_up
        monkeypatch.setattr(taking, "give_up", late)
        done = converge.apply(here, there, plan(described(here), described(there).entries))
    assert done.overtaken == [name.encode()]
    assert texts(here)[name] == SAVED


def test_two_saves_at_one_name_are_both_kept(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = pair
    with (here / "note").open("r+") as opened:

        def late(folders: Folders, taken: Sequence[Taken]) -> list[bytes]:
            opened.write("written through an open file")
            opened.flush()
            over(here / "note")
            return give_up(folders, taken)

        give_up = taking.give_up
        monkeypatch.setattr(taking, "give_up", late)
        done = converge.apply(here, there, plan(described(here), described(there).entries))
    found = texts(here)
    assert found.pop("note") == SAVED
    assert [text for name, text in found.items() if name.startswith("note.jvs-kept-")] == [
        "written through an open file"
    ]
    assert done.overtaken == [b"note"]


@pytest.mark.parametrize("save", [over, in_place])
def test_without_the_system_call_a_save_is_kept_too(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, save: Save
) -> None:
    here, there = pair
    steps = plan(described(here), described(there).entries)

    def refuse(*_: object) -> None:
        save(here / "note")
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(renames, "_rename", refuse)
    converge.apply(here, there, steps)
    assert texts(here)["note"] == SAVED


def test_a_failure_puts_back_what_was_replaced(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = pair
    before = {name: os.stat(here / name).st_ino for name in ("note", "kept", "extra")}
    steps = plan(described(here), described(there).entries)

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Guarded, "remove", fail)
    with pytest.raises(StorageError):
        converge.apply(here, there, steps)
    assert {name: os.stat(here / name).st_ino for name in before} == before
    assert texts(here)["note"] == "old"
