"""The state of a worktree that was clean: whatever changes in it afterwards, it is not taken for the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core.payload.changes import last_clean
from jvs_core.payload.changes.describe import complete
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.changes.last_clean import LastClean, state
from jvs_core.payload.changes.writeback import probe_clock
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.exclude_rules import EXCLUDED
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.tree.walk import LeftOut, Scan, scan

QUESTION = b"the head, the rules, who asks"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "folder").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "file").write_text("content")
    (root / "folder" / "other").write_text("other")
    (root / "link").symlink_to("file")
    os.mkfifo(root / "pipe")
    os.sync()
    newest = max(stamp.ctime_ns for stamp in scan(root).stamps)
    while probe_clock(tmp_path) <= newest:
        pass
    return root


class Look:
    """One look at ``tree``: what was kept before, and keeping what is found."""

    def __init__(self, tree: Path, question: bytes = QUESTION, index: StatIndex | None = None) -> None:
        folder = tree.parent
        self.last = LastClean(folder / "kept", question, folder)
        self.found = scan(tree, must_read=False)
        self.index = index or StatIndex(folder / "index.sqlite")

    @property
    def is_still(self) -> bool:
        return self.last.is_still(self.found)

    def keep(self, *, with_attributes: bool = True) -> None:
        complete(self.found, self.index, clock_folder=self.found.root.parent, with_attributes=with_attributes)
        self.last.keep(self.found, self.index, with_attributes=with_attributes)


@pytest.fixture
def kept(tree: Path) -> Path:
    """Return the file in which the state of ``tree`` is kept."""
    Look(tree).keep()
    assert Look(tree).is_still
    return tree.parent / "kept"


def _same_size_and_time(tree: Path) -> None:
    before = os.stat(tree / "file")
    (tree / "file").write_text("CONTENT")
    os.utime(tree / "file", ns=(before.st_atime_ns, before.st_mtime_ns))


def _other_target(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("pipe")


def _other_pipe(tree: Path) -> None:
    (tree / "pipe").unlink()
    os.mkfifo(tree / "pipe")


def _swapped(tree: Path) -> None:
    (tree / "file").rename(tree / "third")
    (tree / "folder" / "other").rename(tree / "file")
    (tree / "third").rename(tree / "folder" / "other")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content, size and time as before": _same_size_and_time,
    "time": lambda tree: os.utime(tree / "file", ns=(1, 1)),
    "mode of a file": lambda tree: (tree / "file").chmod(0o600),
    "mode of a folder": lambda tree: (tree / "folder").chmod(0o700),
    "mode of the top": lambda tree: tree.chmod(0o700),
    "attribute of a file": lambda tree: os.setxattr(tree / "file", "user.a", b"b"),
    "attribute of a folder": lambda tree: os.setxattr(tree / "empty", "user.a", b"b"),
    "target of a link": _other_target,
    "another pipe": _other_pipe,
    "two files in each other's place": _swapped,
    "one more name of a file": lambda tree: os.link(tree / "file", tree.parent / "name"),
    "a new file": lambda tree: (tree / "empty" / "new").touch(),
    "a new folder": lambda tree: (tree / "empty" / "new").mkdir(),
    "a file less": lambda tree: (tree / "folder" / "other").unlink(),
    "a folder less": lambda tree: (tree / "empty").rmdir(),
    "another name": lambda tree: (tree / "empty").rename(tree / "Empty"),
    "a copy in its place": lambda tree: (
        (tree / "copy").write_text("content"),
        (tree / "copy").rename(tree / "file"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_tree_that_changed_is_not_as_it_was(
    tree: Path, kept: Path, change: Callable[[Path], object]
) -> None:
    change(tree)
    assert not Look(tree).is_still


def test_what_was_read_is_no_change(tree: Path, kept: Path) -> None:
    (tree / "file").read_bytes()
    list((tree / "folder").iterdir())
    assert Look(tree).is_still


def test_another_question_has_another_answer(tree: Path, kept: Path) -> None:
    assert not Look(tree, b"another head").is_still
    assert Look(tree).is_still


@pytest.mark.parametrize("name", ["file", "link", "empty", "pipe"])
def test_nothing_is_kept_of_a_tree_in_which_an_entry_is_as_young_as_the_clock(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    os.utime(tree / name, ns=(1, 1), follow_symlinks=False)
    now = os.lstat(tree / name).st_ctime_ns
    for clock, is_kept in ((now, False), (now + 1, True)):
        monkeypatch.setattr(last_clean, "probe_clock", lambda _, clock=clock: clock)
        look = Look(tree)
        while probe_clock(tree.parent) <= now:  # the index has a clock of its own
            pass
        look.keep()
        assert (tree.parent / "kept").exists() == is_kept


def test_a_link_that_is_replaced_in_the_tick_of_the_walk_is_noticed(tree: Path) -> None:
    """The clock is read before the walk: one from after it would be later than both links' times."""
    _other_target(tree)
    look = Look(tree)
    young = look.found.stamps[[entry.path for entry in look.found.entries].index(b"link")].ctime_ns
    look.keep()
    if look.last.began_ns <= young:
        assert not (tree.parent / "kept").exists()
    _other_target(tree)
    assert not Look(tree).is_still


def test_nothing_is_kept_where_no_clock_can_be_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_clean, "probe_clock", lambda _: 0)
    Look(tree).keep()
    assert not (tree.parent / "kept").exists()


def test_nothing_is_kept_of_what_has_another_clock(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_clean, "clock_devices", lambda *_: frozenset())
    Look(tree).keep()
    assert not (tree.parent / "kept").exists()


def test_nothing_is_kept_where_the_index_does_not_know_a_file(tree: Path) -> None:
    Look(tree, index=StatIndex(None)).keep()
    assert not (tree.parent / "kept").exists()


def test_nothing_is_kept_of_attributes_that_were_not_read(tree: Path) -> None:
    look = Look(tree)
    complete(look.found, look.index, clock_folder=tree.parent, with_attributes=False)
    look.last.keep(look.found, look.index, with_attributes=True)
    assert not (tree.parent / "kept").exists()
    look.last.keep(look.found, look.index, with_attributes=False)
    assert (tree.parent / "kept").exists()


def test_nothing_is_kept_of_another_scan_than_the_index_saw(tree: Path) -> None:
    look = Look(tree)
    look.keep(with_attributes=True)
    (tree.parent / "kept").unlink()
    LastClean(tree.parent / "kept", QUESTION, tree.parent).keep(scan(tree), look.index, with_attributes=False)
    assert not (tree.parent / "kept").exists()


def test_nothing_is_kept_and_nothing_believed_of_a_walk_that_something_ran_away_from(
    tree: Path, kept: Path
) -> None:
    look = Look(tree)
    look.found = replace(look.found, changed=[b"gone"])
    assert not look.is_still
    kept.unlink()
    look.last = LastClean(kept, QUESTION, tree.parent)
    look.keep()
    assert not kept.exists()


def test_an_older_state_goes_and_the_look_after_keeps_the_new_one(tree: Path, kept: Path) -> None:
    os.utime(tree / "file", ns=(1, 1))
    while probe_clock(tree.parent) <= os.stat(tree / "file").st_ctime_ns:
        pass
    Look(tree).keep()
    assert not kept.exists()
    Look(tree).keep()
    assert Look(tree).is_still


def _others_may_write(kept: Path) -> None:
    kept.chmod(0o622)


def _a_link(kept: Path) -> None:
    kept.rename(kept.with_name("elsewhere"))
    kept.symlink_to("elsewhere")


def _two_names(kept: Path) -> None:
    os.link(kept, kept.with_name("name"))


def _a_pipe(kept: Path) -> None:
    kept.unlink()
    os.mkfifo(kept)


def _a_folder(kept: Path) -> None:
    kept.unlink()
    kept.mkdir()


BROKEN: dict[str, Callable[[Path], object]] = {
    "others may write": _others_may_write,
    "link": _a_link,
    "two names": _two_names,
    "pipe": _a_pipe,
    "folder": _a_folder,
    "empty": lambda kept: kept.write_bytes(b""),
    "torn": lambda kept: kept.write_bytes(kept.read_bytes()[:90]),
    "without an end": lambda kept: kept.write_bytes(kept.read_bytes() + b"x" * 5000),
    "no text": lambda kept: kept.write_bytes(b"\xff" * 130),
    "question alone": lambda kept: kept.write_bytes(kept.read_bytes()[:65] + b"\n"),
    "another state": lambda kept: kept.write_bytes(kept.read_bytes()[:65] + b"0" * 64 + b"\n"),
}


@pytest.mark.parametrize("break_it", BROKEN.values(), ids=BROKEN)
def test_a_damaged_or_foreign_file_answers_nothing(
    tree: Path, kept: Path, break_it: Callable[[Path], object]
) -> None:
    break_it(kept)
    assert not Look(tree).is_still


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away, which takes root")
def test_a_file_of_somebody_else_answers_nothing(tree: Path, kept: Path) -> None:
    os.chown(kept, 12345, -1)
    assert not Look(tree).is_still


def test_a_place_that_cannot_be_written_costs_time_only(tree: Path) -> None:
    look = Look(tree)
    look.last.path = tree.parent / "no" / "such"
    look.keep()
    assert not Look(tree).is_still


def _other(value: Any) -> Any:
    return b"b" if isinstance(value, bytes) else "link" if isinstance(value, str) else -(2**70)


def _scanned(entry: Entry, stamp: Stamp) -> Scan:
    return Scan(Path("/"), [Entry(b"", "folder", 0o755, 0, 0, 0, 0), entry], [Stamp(1, 2, 3), stamp])


def test_each_number_and_name_counts() -> None:
    entry = Entry(b"a", "file", 0o644, 1, 2, 3, 4, b"target", 5, b"", b"")
    stamp = Stamp(6, 7, 8)
    others = [
        Entry(*(_other(value) if field == changed else value for field, value in entry._asdict().items()))
        for changed in Entry._fields
    ]
    seen = [state(_scanned(entry, stamp)), *(state(_scanned(other, stamp)) for other in others)]
    seen += [state(_scanned(entry, stamp._replace(**{field: 0}))) for field in Stamp._fields]
    seen += [state(replace(_scanned(entry, stamp), left_out=[LeftOut(b"cache", EXCLUDED)]))]
    assert len(set(seen)) == len(seen)


def test_the_same_tree_has_the_same_state_in_another_process(tree: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from jvs_core.payload.changes.last_clean import state; from jvs_core.payload.tree.walk import scan\n"
        "print(state(scan(Path(sys.argv[1]))))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tree)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == state(scan(tree))
