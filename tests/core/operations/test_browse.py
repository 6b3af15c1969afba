"""Looking at what there is: histories in pages, single entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Descriptor, Repository
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.errors import IntegrityError, PathEscape, PathNotFound, SnapshotNotFound
from jvs_core.payload import manifest
from tests.support.long_history import write_history


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "notes.txt").write_text("notes")
    for number in range(5):
        repo.snapshot(f"{number}", lock=True)
    return repo


@pytest.mark.parametrize("every", [False, True])
def test_a_history_is_read_in_pages(repo: Repository, every: bool) -> None:
    whole = [item.descriptor.note for item in repo.history(every=every)]
    first = repo.history(limit=2, every=every)
    second = repo.history(limit=2, every=every, before=first[-1].descriptor.snapshot_id)
    third = repo.history(limit=2, every=every, before=second[-1].descriptor.snapshot_id)
    assert [item.descriptor.note for item in first + second + third] == whole
    assert repo.history(before=third[-1].descriptor.snapshot_id, every=every) == []


def test_a_page_reads_what_it_shows(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    peek = catalog.peek

    def noted(layout: Layout, snapshot_id: str) -> Descriptor:
        read.append(snapshot_id)
        return peek(layout, snapshot_id)

    monkeypatch.setattr(catalog, "peek", noted)
    repo.history(limit=2, every=True)
    assert len(read) == 2


def test_ids_that_begin_alike_cost_what_is_returned(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_history(repo, 50, last_ms=1_600_000_000_000)
    every = [item.descriptor.snapshot_id for item in repo.history(every=True)]
    read: list[str] = []
    peek = catalog.peek

    def noted(layout: Layout, snapshot_id: str) -> Descriptor:
        read.append(snapshot_id)
        return peek(layout, snapshot_id)

    monkeypatch.setattr(catalog, "peek", noted)
    assert [found.snapshot_id for found in repo.beginning("", limit=7)] == every[:7]
    assert read == every[:7]
    assert [found.snapshot_id for found in repo.beginning(written[3])] == [written[3]]
    assert [found.snapshot_id for found in repo.beginning("159", limit=2)] == written[-2:-4:-1]
    assert repo.beginning("x") == []


def test_an_id_whose_descriptor_cannot_be_read_is_not_offered(repo: Repository) -> None:
    newest, before = [found.snapshot_id for found in repo.beginning("", limit=2)]
    Layout(repo.root).descriptor(newest).write_bytes(b"{")
    assert repo.beginning("")[0].snapshot_id == before


def test_a_page_before_nothing_is_refused(repo: Repository) -> None:
    with pytest.raises(SnapshotNotFound):
        repo.history(before="0000000000000-00000000")


def test_one_entry_is_shown(repo: Repository) -> None:
    assert (repo.stat("HEAD", "notes.txt").type, repo.stat("HEAD", "notes.txt").size) == ("file", 5)
    with pytest.raises(PathNotFound):
        repo.stat("HEAD", "nope")


def test_a_name_with_a_nul_is_never_cut_there(repo: Repository) -> None:
    with pytest.raises(PathEscape):
        repo.restore_path("HEAD", "notes.txt", to="copy\0.txt")
    assert not (repo.root / "main" / "copy").exists()


def test_looking_again_at_a_manifest_that_changed_finds_the_damage(repo: Repository) -> None:
    head = repo.resolve("HEAD")
    assert repo.status().clean
    file = Layout(repo.root).manifest(head)
    file.write_bytes(file.read_bytes().replace(b"notes.txt", b"other.txt"))
    with pytest.raises(IntegrityError):
        repo.status()
    with pytest.raises(IntegrityError):
        repo.ls("HEAD")


def test_a_manifest_is_read_once_for_who_looks_again(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repo.resolve("HEAD")
    repo.status()
    monkeypatch.setattr(manifest, "read", lambda *_, **__: pytest.fail("read again"))
    assert repo.status().clean
    assert [entry.path for entry in repo.ls(head)] == ["notes.txt"]
