"""A `.jvs` in a tree that comes from somebody else never becomes a repository of the one who takes the tree over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import DescriptorCorrupt, UntrustedRepository
from jvs_core.payload.tree import walk
from tests.hostile.team import ANN, MALLORY, TEAM, settings
from tests.support.metadata import metadata_of
from tests.support.users import as_user

pytestmark = pytest.mark.in_turn


@pytest.fixture
def evil(place: Path) -> Path:
    """Return a repository of Mallory's that everybody can read."""
    made = Repository.init(place / "evil", engine="copy", settings=settings(place, 0))
    (made.root / "main" / "planted").write_text("planted")
    made.snapshot("EVIL", lock=True)
    for path in (made.root, *made.root.rglob("*")):
        os.chown(path, MALLORY, TEAM)
        path.chmod(0o755 if path.is_dir() else 0o644)
    return made.root


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_init_from_a_folder_makes_its_repository_nobodys(place: Path, evil: Path) -> None:
    (place / "ann").mkdir()
    os.chown(place / "ann", ANN, TEAM)
    ann = settings(place, ANN)
    with as_user(ANN, TEAM):
        with pytest.raises(UntrustedRepository):
            Repository.open(evil / "main", settings=ann)
        mine = Repository.init(place / "ann" / "mine", from_=evil, settings=ann)
        assert (mine.root / "main/main/planted").read_text() == "planted"
        assert Repository.open(mine.root / "main/main", settings=ann).root == mine.root
        assert not list(mine.root.glob("main/**/.jvs"))


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
@pytest.mark.parametrize("who", [0, ANN])
def test_a_restore_makes_a_members_repository_nobodys(place: Path, evil: Path, who: int) -> None:
    team = Repository.init(place / "team", engine="copy", shared=True, settings=settings(place, 0))
    shutil.copytree(evil, team.root / "main", dirs_exist_ok=True)
    for path in ((team.root / "main"), *(team.root / "main").rglob("*")):
        os.chown(path, MALLORY, TEAM)
    mine = settings(place, who)
    with as_user(who, TEAM):
        repo = Repository(team.root, settings=mine)
        assert any(line.endswith(": .jvs") for line in repo.snapshot("s", lock=True).degraded)
        made = Path(repo.restore("HEAD", name="back").path)
        assert (made / "main/planted").read_text() == "planted"
        assert Repository.open(made / "main", settings=mine).root == team.root
        assert not (made / ".jvs").exists()


WAYS: dict[str, Callable[[Repository], object]] = {
    "restore": lambda repo: repo.restore("HEAD", name="back"),
    "restore --inplace": lambda repo: repo.restore_inplace("HEAD", reason="test", lock=True),
    "restore --path": lambda repo: repo.restore_path("HEAD", "tool", to="again"),
    "restore --path of another": lambda repo: repo.restore_path("HEAD", "notes.txt", to="again"),
    "worktree create": lambda repo: repo.worktrees.create("back", from_="HEAD"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_snapshot_that_holds_a_repository_is_corrupt(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    repo = Repository.init(workdir / "repo")
    inner = repo.root / "main" / "tool"
    (inner / ".jvs").mkdir(parents=True)
    (inner / ".jvs" / "format_version").write_text("2")
    (repo.root / "main" / "notes.txt").write_text("notes")
    with monkeypatch.context() as patched:  # as a program writes it that has no such rule
        patched.setattr(walk, "CONTROL", b"")
        repo.snapshot("planted", lock=True)
    shutil.rmtree(inner)
    before = metadata_of(repo.root / "main")
    with pytest.raises(DescriptorCorrupt, match="a repository, which no snapshot holds"):
        WAYS[way](repo)
    assert metadata_of(repo.root / "main") == before
    assert [info.name for info in repo.worktrees.all()] == ["main"]
    report = repo.verify(every=True)
    assert [snapshot.code for snapshot in report.snapshots] == ["E_DESCRIPTOR_CORRUPT"]
