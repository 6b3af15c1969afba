"""Which engine is taken, and what is said when the one asked for cannot work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineUnavailable, InputError
from jvs_core.payload.engines import select
from tests.support.filesystems import FileSystem
from tests.support.marks import on

BEST = {"xfs": "reflink-copy", "btrfs": "btrfs-snapshot", "ext4": "copy", "juicefs": "juicefs-clone"}
WORKING = {
    "xfs": {"reflink-copy", "copy"},
    "btrfs": {"btrfs-snapshot", "reflink-copy", "copy"},
    "ext4": {"copy"},
    "juicefs": {"juicefs-clone", "reflink-copy", "copy"},
}
REASONS = {
    "juicefs-clone": "not on a JuiceFS mount",
    "btrfs-snapshot": "not on btrfs",
    "reflink-copy": "does not share blocks",
}


def test_the_best_engine_that_works_is_chosen_and_probing_leaves_nothing(
    filesystem: FileSystem, workdir: Path
) -> None:
    for asked in (None, "auto"):
        assert select.choose(asked, workdir).name == BEST[filesystem.kind]
    assert os.listdir(workdir) == []


@pytest.mark.parametrize("name", select.BEST_FIRST)
def test_an_engine_works_where_it_is_said_to_and_is_refused_with_the_reason_elsewhere(
    filesystem: FileSystem, workdir: Path, name: str
) -> None:
    if name in WORKING[filesystem.kind]:
        assert select.choose(name, workdir).name == name
        return
    with pytest.raises(EngineUnavailable, match=REASONS[name]) as refused:
        select.choose(name, workdir)
    assert refused.value.exit_status == 7
    assert refused.value.hint
    assert os.listdir(workdir) == []


@on("juicefs")
def test_without_the_client_program_a_juicefs_mount_is_not_enough(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_options: None)
    with pytest.raises(EngineUnavailable, match="juicefs is not installed"):
        select.choose("juicefs-clone", workdir)
    assert select.choose("auto", workdir).name == "reflink-copy"


@on("ext4")
def test_the_client_program_without_a_mount_is_not_enough(workdir: Path) -> None:
    with pytest.raises(EngineUnavailable, match="not on a JuiceFS mount"):
        select.choose("juicefs-clone", workdir)


@pytest.mark.parametrize("name", ["", "rsync", "COPY", "copy ", "juicefs"])
def test_an_unknown_engine_is_a_wrong_argument(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="there is no engine") as refused:
        select.choose(name, tmp_path)
    assert "reflink-copy" in (refused.value.hint or "")


def test_the_descriptor_names_the_engine_asked_for_and_the_one_that_ran(
    filesystem: FileSystem, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = BEST[filesystem.kind]
    auto = Repository.init(workdir / "auto").snapshot(lock=True)
    assert (auto.requested_engine, auto.engine) == ("auto", best)
    asked = Repository.init(workdir / "asked", engine="copy")
    assert asked.info().snapshot_engine == "copy"
    taken = asked.snapshot(lock=True)
    assert (taken.requested_engine, taken.engine) == ("copy", "copy")
    monkeypatch.setenv("JVS_SNAPSHOT_ENGINE", best)
    overridden = Repository.open(asked.root).snapshot(lock=True)
    assert overridden.requested_engine == best
    assert overridden.engine in (best, "reflink-copy")  # a worktree made as a plain folder is no subvolume


@on("ext4", "xfs")
def test_an_engine_that_cannot_work_stops_init_and_snapshot_before_anything_is_written(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineUnavailable):
        Repository.init(workdir / "repo", engine="juicefs-clone")
    assert os.listdir(workdir) == []
    repo = Repository.init(workdir / "repo")
    monkeypatch.setenv("JVS_SNAPSHOT_ENGINE", "juicefs-clone")
    asked = Repository.open(repo.root)
    assert asked.info().snapshot_engine.startswith("unavailable: juicefs-clone cannot work in ")
    with pytest.raises(EngineUnavailable, match="not on a JuiceFS mount"):
        asked.snapshot(lock=True)
    for folder in ("snapshots", "descriptors", "intents"):
        assert os.listdir(repo.root / ".jvs" / folder) == []
