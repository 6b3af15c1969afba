"""Lines of a manifest that are made once, compared with those of the snapshot before, and written as they are."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jvs_core.errors import DescriptorCorrupt, PartialSnapshot
from jvs_core.payload import manifest
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.copy import capture
from jvs_core.payload.copy import captured as captured_values
from jvs_core.payload.copy.captured import Capture, CaptureRequest, PreviousSnapshot
from jvs_core.payload.engines import plain_copy
from jvs_core.payload.manifest.lines import encode
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.walk import Scan, scan


def _tree(root: Path) -> Path:
    (root / "sub").mkdir(parents=True)
    (root / "tab\tand\nnewline").write_text("odd")
    (root / "sub" / "plain").write_text("plain")
    (root / "sub" / "other").write_text("other")
    os.link(root / "sub" / "plain", root / "again")
    os.symlink("sub/plain", root / "link")
    return root


def _capture(tree: Path, name: str, before: tuple[Capture, str] | None = None) -> Capture:
    previous = None
    if before is not None:
        lines = encode(before[0].entries)
        previous = PreviousSnapshot(tree.parent / before[1], len(lines), lambda: iter(lines))
    index = StatIndex(tree.parent / "index")
    return plain_copy.ENGINE.capture(CaptureRequest(tree, tree.parent / name, index, previous, "best_effort"))


def test_the_manifest_is_the_same_whether_its_lines_were_made_before_or_not(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    first = _capture(tree, "one")
    (tree / "sub" / "other").write_text("changed")
    second = _capture(tree, "two", (first, "one"))
    assert any(second.lines)
    made = encode(second.entries)
    assert all(line in (None, fresh) for line, fresh in zip(second.lines, made, strict=True))
    plain = manifest.write(tmp_path / "plain", second.entries)
    assert manifest.write(tmp_path / "lined", second.entries, second.lines) == plain
    assert (tmp_path / "lined").read_bytes() == (tmp_path / "plain").read_bytes()
    assert manifest.read(tmp_path / "lined", sha256=plain.sha256) == list(second.entries)


def test_lines_are_read_back_as_they_were_made(tmp_path: Path) -> None:
    captured = _capture(_tree(tmp_path / "tree"), "one")
    written = manifest.write(tmp_path / "manifest", captured.entries)
    lines = manifest.read_lines(tmp_path / "manifest", sha256=written.sha256)
    assert list(lines) == encode(captured.entries)
    with pytest.raises(DescriptorCorrupt):
        manifest.read_lines(tmp_path / "manifest", sha256="0" * 64)
    with pytest.raises(PartialSnapshot):
        manifest.read_lines(tmp_path / "none", sha256=written.sha256)


def test_a_file_whose_name_was_one_of_two_before_is_made_anew(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    first = _capture(tree, "one")
    (tree / "again").unlink()
    _capture(tree, "two", (first, "one"))
    assert os.stat(tmp_path / "two" / "sub" / "plain").st_nlink == 1
    assert os.stat(tmp_path / "one" / "sub" / "plain").st_nlink == 2


def test_names_of_one_file_are_shared_though_another_such_file_came_before_them(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree")
    first = _capture(tree, "one")
    os.link(tree / "sub" / "other", tree / "a first name")
    second = _capture(tree, "two", (first, "one"))
    assert [entry.link_group for entry in second.entries if entry.path == b"sub/plain"] == [2]
    assert os.stat(tmp_path / "one" / "again").st_ino == os.stat(tmp_path / "two" / "sub" / "plain").st_ino
    assert os.stat(tmp_path / "one" / "sub" / "other").st_nlink == 1


def test_what_a_snapshot_cannot_keep_as_it_is_in_the_worktree_is_shared_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = _tree(tmp_path / "tree")

    def adapted(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
        return [e._replace(mode=0o600) if e.path == b"sub/other" else e for e in entries], ["a mode"]

    monkeypatch.setattr(capture, "owned", adapted)
    first = _capture(tree, "one")
    _capture(tree, "two", (first, "one"))
    one, two = (os.stat(tmp_path / name / "sub" / "other") for name in ("one", "two"))
    assert one.st_ino == two.st_ino
    assert stat.S_IMODE(two.st_mode) == 0o400


def test_a_name_that_vanishes_or_changes_between_the_walk_and_the_link_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = _tree(tmp_path / "tree")
    first = _capture(tree, "one")

    def walked(*args: Any, **how: Any) -> Scan:
        found = scan(*args, **how)
        (tree / "tab\tand\nnewline").unlink()
        (tree / "sub" / "other").write_text("later")
        return found

    monkeypatch.setattr(captured_values, "scan", walked)
    second = _capture(tree, "two", (first, "one"))
    assert {b"tab\tand\nnewline", b"sub/other"} <= set(second.changed_meanwhile)
    assert (tmp_path / "one" / "sub" / "other").read_text() == "other"
    assert (tmp_path / "two" / "sub" / "other").read_text() == "later"
    kept = {entry.path: entry for entry in second.entries}
    assert kept[b"sub/other"].sha256 == hashlib.sha256(b"later").digest()
    assert b"tab\tand\nnewline" not in kept
