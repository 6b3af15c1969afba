"""What a snapshot shares with the one before: files that are the same in all that is kept, their names included."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.copy.capture import capture_tree
from jvs_core.payload.copy.captured import Capture, CaptureRequest, PreviousSnapshot
from jvs_core.payload.manifest.lines import encode
from jvs_core.payload.tree import hard_link
from tests.support.metadata import metadata_of, payload_metadata

PAST = 1_000_000_000_000_000_000


@dataclass
class Place:
    """A worktree with two snapshots to be taken of it."""

    folder: Path
    first: Capture | None = None

    @property
    def source(self) -> Path:
        return self.folder / "worktree"

    @property
    def one(self) -> Path:
        return self.folder / "one"

    @property
    def two(self) -> Path:
        return self.folder / "two"

    def index(self) -> StatIndex:
        return StatIndex(self.folder / "index.sqlite")

    def take(self) -> Capture:
        """Take the first snapshot, or the second with the first as the one before."""
        previous = None
        if self.first is not None:
            lines = encode(self.first.entries)
            previous = PreviousSnapshot(self.one, len(lines), lambda: iter(lines))
        target = self.two if self.first else self.one
        request = CaptureRequest(self.source, target, self.index(), previous, "best_effort")
        taken = capture_tree(request, engine="copy", method="copy")
        self.first = self.first or taken
        return taken

    def look(self) -> None:
        """Let the index know the worktree as it is."""
        describe(self.source, self.index(), clock_folder=self.folder, with_attributes=True)

    def write(self, name: str, text: str) -> Path:
        """Write a file without a trace in its size and time."""
        path = self.source / name
        with path.open("r+" if path.exists() else "w") as file:
            file.write(text)
        os.utime(path, ns=(PAST, PAST))
        return path

    def groups(self, tree: Path) -> set[frozenset[str]]:
        """Return the names in ``tree``, together those of one file."""
        found: dict[int, set[str]] = {}
        for path in tree.iterdir():
            found.setdefault(path.stat().st_ino, set()).add(path.name)
        return {frozenset(names) for names in found.values()}

    def assert_told(self, taken: Capture) -> None:
        """Assert that the second snapshot is the worktree, and that the first is untouched by it."""
        assert payload_metadata(self.two, metadata_of(self.source)) == metadata_of(self.source)
        entries = {entry.path: entry for entry in taken.entries if entry.path}
        for path, found in metadata_of(self.two).items():
            assert entries[path].sha256.hex() == (found.sha256 or "")
            assert bool(entries[path].link_group) == bool(found.linked_with)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "worktree").mkdir()
    return Place(tmp_path)


def linked(place: Place, *names: str) -> None:
    """Make one file of the names, the first of which may exist."""
    if not (place.source / names[0]).exists():
        place.write(names[0], "same")
    for name in names[1:]:
        (place.source / name).unlink(missing_ok=True)
        os.link(place.source / names[0], place.source / name)


def one_file(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_unchanged_names_of_one_file_are_further_names_of_the_one_before(place: Place) -> None:
    linked(place, "a", "b")
    place.write("c", "same")
    place.take()
    place.assert_told(taken := place.take())
    assert all((place.one / name).samefile(place.two / name) for name in "abc")
    assert not any((place.one / name).samefile(place.source / name) for name in "abc")
    assert taken.changed_meanwhile == []


@pytest.mark.parametrize("known", [True, False], ids=["known to the index", "not known"])
def test_a_file_of_two_names_whose_size_and_time_were_kept_is_not_taken_for_unchanged(
    place: Place, known: bool
) -> None:
    linked(place, "a", "b")
    place.take()
    place.write("a", "else")
    if known:
        place.look()
    place.assert_told(place.take())
    assert [(place.two / name).read_text() for name in "ab"] == ["else"] * 2
    assert [(place.one / name).read_text() for name in "ab"] == ["same"] * 2


def test_a_file_whose_size_and_time_were_kept_is_not_taken_for_unchanged(place: Place) -> None:
    place.write("a", "same")
    place.take()
    place.write("a", "else")
    place.assert_told(place.take())
    assert [(tree / "a").read_text() for tree in (place.one, place.two)] == ["same", "else"]


def _apart(place: Place) -> None:
    (place.source / "b").unlink()
    place.write("b", "same")


def _otherwise(place: Place) -> None:
    (place.source / "c").unlink()
    os.link(place.source / "a", place.source / "c")
    (place.source / "b").unlink()
    os.link(place.source / "d", place.source / "b")


def _together(place: Place) -> None:
    linked(place, "a", "c", "d")


def _one_more(place: Place) -> None:
    os.link(place.source / "a", place.source / "e")


def _one_less(place: Place) -> None:
    (place.source / "b").unlink()


REGROUPED: dict[str, tuple[Callable[[Place], None], set[frozenset[str]]]] = {
    "apart": (_apart, {one_file("a"), one_file("b"), one_file("c", "d")}),
    "otherwise": (_otherwise, {one_file("a", "c"), one_file("b", "d")}),
    "together": (_together, {one_file("a", "b", "c", "d")}),
    "one more": (_one_more, {one_file("a", "b", "e"), one_file("c", "d")}),
    "one less": (_one_less, {one_file("a"), one_file("c", "d")}),
}


@pytest.mark.parametrize("known", [True, False], ids=["known to the index", "not known"])
@pytest.mark.parametrize("how", REGROUPED)
def test_names_that_are_grouped_anew_are_grouped_so_in_the_snapshot(
    place: Place, how: str, known: bool
) -> None:
    act, wanted = REGROUPED[how]
    linked(place, "a", "b")
    linked(place, "c", "d")
    place.take()
    before = place.groups(place.one)
    act(place)
    if known:
        place.look()
    place.assert_told(place.take())
    assert place.groups(place.two) == wanted
    assert place.groups(place.one) == before


@pytest.mark.parametrize("known", [True, False], ids=["known to the index", "not known"])
@pytest.mark.parametrize("names", ["a", "ab"], ids=["one name", "two names"])
def test_a_file_of_other_attributes_is_not_shared(place: Place, names: str, known: bool) -> None:
    linked(place, *names)
    os.setxattr(place.source / "a", "user.colour", b"red")
    place.take()
    os.setxattr(place.source / "a", "user.colour", b"blue")
    if known:
        place.look()
    place.assert_told(place.take())
    shown = [os.getxattr(tree / name, "user.colour") for tree in (place.one, place.two) for name in names]
    assert shown == [b"red"] * len(names) + [b"blue"] * len(names)


def test_a_file_whose_attributes_are_the_same_is_shared_with_them(place: Place) -> None:
    os.setxattr(place.write("a", "same"), "user.colour", b"red")
    place.take()
    os.utime(place.source / "a", ns=(PAST, PAST))
    place.assert_told(place.take())
    assert (place.one / "a").samefile(place.two / "a")


@pytest.mark.parametrize("what", ["mode", "owner", "time"])
def test_a_file_of_another_mode_owner_or_time_is_not_shared(place: Place, what: str) -> None:
    path = place.write("a", "same")
    place.take()
    before = metadata_of(place.one)
    if what == "mode":
        path.chmod(0o600)
    elif what == "owner":
        os.chown(path, 12345, 12345)
    else:
        os.utime(path, ns=(PAST, PAST + 1))
    place.assert_told(place.take())
    assert metadata_of(place.one) == before


@pytest.mark.parametrize("known", [True, False], ids=["known to the index", "not known"])
@pytest.mark.parametrize("what", ["mode", "owner", "size", "time"])
def test_a_payload_that_somebody_changed_is_not_shared(place: Place, what: str, known: bool) -> None:
    place.write("a", "same")
    place.take()
    payload = place.one / "a"
    if what == "mode":
        payload.chmod(0o777)
    elif what == "owner":
        os.chown(payload, 12345, 12345)
    elif what == "size":
        os.truncate(payload, 1)
        os.utime(payload, ns=(PAST, PAST))
    else:
        os.utime(payload, ns=(5, 5))
    if not known:
        os.utime(place.source / "a", ns=(PAST, PAST))
    place.assert_told(place.take())


@pytest.mark.parametrize("what", ["content", "gone"])
def test_a_file_that_changes_while_it_is_shared_is_named_and_not_shared(
    place: Place, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a", "same")
    place.take()
    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    link = hard_link.link

    def late(previous: int, name: bytes, target: int) -> bool:
        if what == "content":
            place.write("a", "else")
        else:
            (place.source / "a").unlink(missing_ok=True)
        return link(previous, name, target)

    monkeypatch.setattr(hard_link, "link", late)
    taken = place.take()
    assert b"a" in taken.changed_meanwhile
    if what == "content":
        assert (place.two / "a").read_text() == "else"
    else:
        assert not (place.two / "a").exists()
