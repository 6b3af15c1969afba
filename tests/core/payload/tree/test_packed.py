"""Very many entries in columns are the same entries: every step with them does what it does with a list."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jvs_core import Repository
from jvs_core.payload import manifest
from jvs_core.payload.changes.digests import Digests
from jvs_core.payload.changes.packed_digests import PackedDigests
from jvs_core.payload.check.inode_stamps import InodeStamps
from jvs_core.payload.manifest.held_lines import HeldLines
from jvs_core.payload.tree.authority import Authority, believing, owned
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.packed import (
    Gathering,
    PackedEntries,
    PackedInodes,
    PackedStamps,
    Places,
    entries,
    gathering,
    gone,
    held,
    present,
)
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.tree.walk import scan
from jvs_core.payload.work import pool

FEW = 8
MOST_A_FILE = 350  # bytes, as this process counts them; in lists it is more than a thousand
DIGESTS = st.sampled_from([b"", bytes(32), b"\x01" * 32, b"\xff" * 32])
ENTRIES = st.builds(
    Entry,
    path=st.binary(max_size=6),
    kind=st.sampled_from([FILE, FOLDER, SYMLINK, FIFO]),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 1),
    gid=st.integers(0, 2**32 - 1),
    size=st.sampled_from([0, 1, 2**63 - 1, 2**64 - 1, 2**64]),
    mtime_ns=st.sampled_from([0, -1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**63 * 10**9]),
    target=st.sampled_from([b"", b"aim"]),
    link_group=st.sampled_from([0, 0, 1, 2]),
    xattrs=DIGESTS,
    sha256=DIGESTS,
)
STAMPS = st.builds(
    Stamp,
    dev=st.integers(0, 2**64 - 1),
    ino=st.integers(0, 2**64 - 1),
    ctime_ns=st.sampled_from([0, -1, 2**63 - 1, 2**63, -(2**63) - 1]),
)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have very few be very many, and everything done in this process."""
    monkeypatch.setattr(entries, "WORTH", FEW)
    monkeypatch.setattr(pool, "WORTH_FILES", 100_000)


def packed(some: list[Entry]) -> PackedEntries:
    made = PackedEntries()
    made.take(some)
    return made


@given(some=st.lists(ENTRIES), others=st.lists(ENTRIES), data=st.data())
def test_entries_are_what_was_put_in(some: list[Entry], others: list[Entry], data: st.DataObject) -> None:
    made = packed(some)
    assert list(made) == some == made
    assert [made[position] for position in range(-len(some), len(some))] == some * 2
    start, stop, step = (data.draw(st.integers(-5, 5)) for _ in range(3))
    assert made[start:stop] == some[start:stop]
    assert made[start : stop : step or 1] == some[start : stop : step or 1]
    copy, expected = made.copy(), list[Entry | None](some)
    for position, other in enumerate(others[: len(some)]):
        entry = None if data.draw(st.booleans()) else other._replace(path=some[position].path)
        copy[position] = entry
        expected[position] = entry
    assert list(copy) == expected
    assert list(made) == some  # the copy is another
    left = [entry for entry in expected if entry is not None]
    assert (set(gone(copy)), list(present(copy))) == (set(gone(expected)), left)
    with pytest.raises(IndexError):
        made[len(some)]


@given(some=st.lists(STAMPS))
def test_stamps_are_what_was_put_in(some: list[Stamp]) -> None:
    made = PackedStamps()
    made.take(some)
    assert list(made) == some == made
    assert made[1:] == some[1:]
    assert [made[position] for position in range(len(some))] == some


@given(some=st.lists(st.none() | st.builds(Digests, sha256=DIGESTS, xattrs=st.none() | DIGESTS)))
def test_digests_are_what_was_put_in(some: list[Digests | None]) -> None:
    made = PackedDigests(len(some))
    for position, known in enumerate(some):
        made[position] = known
    copy, other = made.copy(), made.copy()
    for position in range(len(some)):
        copy[position] = None
    assert list(made) == some == list(other)
    for position in range(len(some)):
        made[position] = Digests(b"\x07" * 32, b"")
    assert list(other) == some
    assert other[:2] == some[:2]


@given(some=st.lists(st.binary(max_size=9)))
def test_lines_are_what_was_put_in(some: list[bytes]) -> None:
    made = HeldLines()
    made.take(some)
    assert (list(made), made[1:3], len(made)) == (some, some[1:3], len(some))


def test_inodes_that_are_at_two_places_are_noticed(soon: None) -> None:
    stamps = InodeStamps()
    rows = [(1, number, 7) for number in range(1, 20)]
    stamps.extend([b"".join(part.to_bytes(8, "little") for part in row) for row in rows])
    stamps.extend([b""])
    found = stamps.identities()
    assert isinstance(found, PackedInodes)
    assert (list(found), found.distinct()) == ([*((1, number) for number in range(1, 20)), ()], True)
    found[19] = (2, 5)
    assert found.distinct()  # of another device
    found[19] = (1, 5)
    assert not found.distinct()
    assert list(found.stamps())[4] == Stamp(1, 5, -1)


@given(names=st.sets(st.binary(min_size=1, max_size=5)), tagged=st.booleans())
def test_what_a_walk_finds_in_any_order_is_in_order_of_its_paths(names: set[bytes], tagged: bool) -> None:
    rows = [
        (name, Entry(name, FILE, 0o644, 1, 2, 3, 4), Stamp(5, 6, number)) for number, name in enumerate(names)
    ]
    without = frozenset(sorted(names)[:1]) if tagged else frozenset[bytes]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "WORTH", 3)
        found = Gathering()
        for row in rows:
            found.rows.append(row)
            found.settle()
        assert len(found) == len(rows)
        made, stamps = found.sorted(without)
    kept = sorted(row for row in rows if row[0] not in without)
    assert (list(made), list(stamps)) == ([row[1] for row in kept], [row[2] for row in kept])


def test_the_positions_in_a_folder_are_found(soon: None) -> None:
    paths = sorted([b"", b"a", b"a/b", b"a/b/c", b"a.b", b"a/z", b"b", b"c", b"d", b"e"])
    folders = (b"", b"a", b"a/b")
    some = [Entry(path, FOLDER if path in folders else FILE, 0, 0, 0, 0, 0) for path in paths]
    places = Places(held(some))
    assert dict(places.below(b"a")) == {path: paths.index(path) for path in (b"a/b", b"a/z")}
    assert dict(places.below(b"a/b")) == {b"a/b/c": paths.index(b"a/b/c")}
    assert set(places.below(b"")) == {path for path in paths if path and b"/" not in path}
    assert places.below(b"none") == {}


def _tree(main: Path) -> None:
    for number in range(40):
        folder = main / f"d{number % 5}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}.txt").write_text(str(number))
    (main / "d1.x").write_text("sorts between a folder and what is in it")
    (main / "link").symlink_to("d1.x")
    os.mkfifo(main / "pipe")
    os.link(main / "d1.x", main / "other")
    os.setxattr(main / "d2" / "f2.txt", "user.a", b"1")
    os.utime(main / "d3" / "f3.txt", ns=(0, -1))


def _story(repo: Repository) -> list[Any]:
    main = repo.root / "main"
    one = repo.snapshot("one", lock=True).snapshot_id
    (main / "d3" / "new").write_text("new")
    (main / "d1" / "f1.txt").write_text("changed")
    (main / "d0" / "f0.txt").unlink()
    (main / "other").unlink()
    told: list[Any] = []
    changed = repo.status()
    told.append((changed.added, changed.modified, changed.removed))
    two = repo.snapshot("two", lock=True).snapshot_id
    told += [repo.status().clean, repo.status().clean, repo.snapshot_if_changed("none", lock=True)]
    repo.restore(one, name="aside")
    back = repo.restore_inplace(one, reason="back", lock=True)
    told.append((back.added, back.modified, back.removed))
    repo.undo(lock=True)
    told.append(repo.verify(every=True).ok)
    for snapshot_id in (one, two):
        found = manifest.read(repo.root / ".jvs" / "snapshots" / snapshot_id / "manifest")
        told.append([entry._replace(mtime_ns=0) for entry in found if entry.kind != FOLDER])
    told.append([entry._replace(mtime_ns=0) for entry in scan(repo.root / "worktrees" / "aside").entries])
    return told


def test_a_repository_is_the_same_with_columns_as_with_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = []
    for name, worth in (("lists", entries.WORTH), ("columns", FEW)):
        monkeypatch.setattr(entries, "WORTH", worth)
        repo = Repository.init(tmp_path / name, engine="copy")
        _tree(repo.root / "main")
        assert isinstance(scan(repo.root / "main").entries, PackedEntries) == (name == "columns")
        stories.append(_story(repo))
    assert stories[0] == stories[1]


def test_damage_is_found_among_very_many(tmp_path: Path, soon: None) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    _tree(repo.root / "main")
    one = repo.snapshot("one", lock=True).snapshot_id
    (repo.root / "main" / "new").write_text("new")
    two = repo.snapshot("two", lock=True).snapshot_id
    payload = repo.root / ".jvs" / "snapshots" / two / "payload"
    damaged = payload / "d4" / "f4.txt"
    damaged.chmod(0o644)
    damaged.write_text("X")
    reports = {report.snapshot_id: report.damaged_paths for report in repo.verify(every=True).snapshots}
    assert reports == {one: ["d4/f4.txt"], two: ["d4/f4.txt"]}  # one inode, which both share


def test_what_is_brought_with_other_owners_is_held_in_columns(soon: None) -> None:
    some = [
        Entry(
            b"%03d" % number,
            FILE,
            0o4644 if number % 2 else 0o644,
            7,
            8,
            number,
            1,
            b"",
            0,
            b"",
            b"\x01" * 32,
        )
        for number in range(4 * FEW)
    ]
    with believing(Authority(special=False, owner=(0, 0))):
        kept, lines = owned(packed(some))
        expected, also = owned(some)
        unchanged, _ = owned(kept)
    assert isinstance(kept, PackedEntries)
    assert list(kept) == list(expected)
    assert {(each.mode, each.uid, each.gid) for each in kept} == {(0o644, 0, 0)}
    assert lines == also
    assert len(lines) == 2
    assert unchanged is kept


def _peaks(folder: Path, count: int) -> dict[str, int]:
    """Return how much memory each operation takes at most with ``count`` files."""
    repo = Repository.init(folder, engine="copy")
    main = repo.root / "main"
    for number in range(count):
        if number % 200 == 0:
            (main / f"part-{number}").mkdir()
        (main / f"part-{number - number % 200}" / f"a-name-of-usual-length-{number}").write_text(str(number))
    peaks = {}

    def step(name: str, act: Callable[[], Any]) -> Any:
        tracemalloc.start()
        try:
            return act()
        finally:
            peaks[name] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()

    one = step("first", lambda: repo.snapshot("one", lock=True)).snapshot_id
    (main / "new").write_text("new")
    step("again", lambda: repo.snapshot("two", lock=True))
    step("status", repo.status)
    step("status, known", repo.status)
    step("restore", lambda: repo.restore(one, name="aside"))
    step("verify", lambda: repo.verify([one]))
    step("verify, both", lambda: repo.verify(every=True))
    return peaks


def test_a_file_more_takes_few_bytes_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "WORTH", 200)
    monkeypatch.setattr(gathering, "_FEW", 200)
    monkeypatch.setattr(pool, "WORTH_FILES", 100_000)
    monkeypatch.setattr(entries, "CHUNK", 100)
    _peaks(tmp_path / "warm", 40)
    less, more = _peaks(tmp_path / "less", 2000), _peaks(tmp_path / "more", 4000)
    a_file = {name: (more[name] - less[name]) / 2000 for name in less}
    assert {name: size for name, size in a_file.items() if size > MOST_A_FILE} == {}
