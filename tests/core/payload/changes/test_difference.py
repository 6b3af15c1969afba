"""What counts as a change between two lists of entries."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from jvs_core.payload.changes.difference import Changes, beyond_times, but_for_setuid, compare
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry
from tests.core.payload.manifest.test_manifest import SHA, TOP, entry, trees


def changes(before: list[Entry], after: list[Entry]) -> Changes:
    """Return what changed between two lists of entries below the top folder."""
    return compare([TOP, *before], [TOP, *after])


def folder(path: bytes, **fields: Any) -> Entry:
    """Return a folder."""
    return entry(path, FOLDER, **fields)


@settings(max_examples=30)
@given(before=trees(), after=trees())
def test_the_way_back_is_the_way_there_turned_round(before: list[Entry], after: list[Entry]) -> None:
    there, back = compare(before, after), compare(after, before)
    assert (there.added, there.modified, there.removed) == (back.removed, back.modified, back.added)
    assert not compare(before, before)
    assert not set(there.added) & set(there.modified)


@settings(max_examples=30)
@given(entries=trees())
def test_from_nothing_every_leaf_and_empty_folder_is_new(entries: list[Entry]) -> None:
    parents = {found.path.rpartition(b"/")[0] for found in entries if found.path}
    expected = [
        found.path + b"/" if found.kind == FOLDER else found.path
        for found in entries
        if found.path and (found.kind != FOLDER or found.path not in parents)
    ]
    assert compare([TOP], entries) == Changes(added=sorted(expected))


def test_content_mode_target_and_kind_are_changes_of_a_file() -> None:
    for now in (
        entry(sha256=SHA[::-1]),
        entry(mode=0o600),
        entry(kind=FIFO),
        entry(kind=SYMLINK, target=b"x"),
    ):
        assert changes([entry()], [now]) == Changes(modified=[b"a"])
    link = entry(kind=SYMLINK, target=b"x")
    assert changes([link], [link._replace(target=b"y")]) == Changes(modified=[b"a"])


def test_times_owners_attributes_and_links_are_none() -> None:
    now = entry(mtime_ns=9, uid=1, gid=1, xattrs=SHA, link_group=1)
    assert not changes([entry()], [now])
    assert not compare([TOP], [TOP._replace(mode=0o700)])


def test_folders_count_when_empty_or_of_another_mode() -> None:
    assert changes([], [folder(b"d")]) == Changes(added=[b"d/"])
    assert changes([], [folder(b"d"), entry(b"d/f")]) == Changes(added=[b"d/f"])
    assert changes([], [folder(b"d"), folder(b"d/e")]) == Changes(added=[b"d/e/"])
    assert changes([folder(b"d")], [folder(b"d"), entry(b"d/f")]) == Changes(added=[b"d/f"])
    assert changes([folder(b"d")], [folder(b"d", mode=0o700)]) == Changes(modified=[b"d/"])


def test_a_folder_in_the_place_of_a_file_is_one_gone_and_one_new() -> None:
    assert changes([entry()], [folder(b"a")]) == Changes(added=[b"a/"], removed=[b"a"])
    assert changes([folder(b"a"), entry(b"a/b")], [entry()]) == Changes(added=[b"a"], removed=[b"a/b"])


def test_lists_are_sorted_by_bytes_folders_among_the_rest() -> None:
    now = [entry(b"a"), folder(b"b"), entry(b"b!"), entry(b"\xff", FILE)]
    assert changes([], now).added == sorted([b"a", b"b/", b"b!", b"\xff"])


def test_beyond_times_counts_owners_attributes_and_hard_links() -> None:
    differ = beyond_times(TOP._replace(uid=7, gid=8))
    was = entry(uid=1, gid=2, link_group=1, xattrs=SHA)
    assert not differ(was, was._replace(mtime_ns=99))
    assert not differ(was, was._replace(uid=7, gid=8))
    for now in (
        was._replace(uid=3),
        was._replace(gid=3),
        was._replace(uid=8, gid=7),
        was._replace(link_group=0),
        was._replace(link_group=2),
        was._replace(xattrs=b""),
        was._replace(mode=0o600),
        was._replace(sha256=SHA[::-1]),
    ):
        assert differ(was, now), now


def test_that_setuid_is_gone_is_no_change_and_anything_else_is() -> None:
    was = entry(mode=0o6755)
    assert not but_for_setuid(was, was)
    assert not but_for_setuid(was, was._replace(mode=0o755))
    for now in (
        was._replace(mode=0o755, sha256=SHA[::-1]),
        was._replace(mode=0o2755),
        was._replace(mode=0o700),
        was._replace(mode=0o755, kind=FIFO),
    ):
        assert but_for_setuid(was, now), now
    assert but_for_setuid(entry(mode=0o755), entry(mode=0o4755))
    assert but_for_setuid(folder(b"d", mode=0o2755), folder(b"d", mode=0o755))
