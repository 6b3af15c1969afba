"""What the configuration excludes: in no snapshot, no change, and touched by no restore."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed, InputError, UnsavedChanges
from jvs_core.payload.tree.exclude_rules import TAG_SIGNATURE
from tests.support.marks import on

pytestmark = pytest.mark.in_turn

KEPT = ["a", "a/kept.txt", "src", "src/code.py"]
EXCLUDED = {
    "a/x.tmp": "temporary",
    "scratch/f": "scratch",
    "src/__pycache__/code.pyc": "compiled",
    "tagged/inner/f": "cached",
}


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and path.name != "CACHEDIR.TAG"
    }


def fill(root: Path) -> None:
    for path, content in {"a/kept.txt": "kept", "src/code.py": "code", **EXCLUDED}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    (root / "tagged" / "CACHEDIR.TAG").write_bytes(TAG_SIGNATURE)


def init(workdir: Path, patterns: Sequence[str] = ("*.tmp", "/scratch/")) -> Repository:
    return Repository.init(workdir / "repo", exclude=patterns, exclude_caches=True)


@pytest.fixture
def repo(workdir: Path) -> Repository:
    made = init(workdir)
    fill(made.root / "main")
    return made


def held(repo: Repository, snapshot: str = "HEAD") -> list[str]:
    return [entry.path for entry in repo.ls(snapshot, recursive=True)]


@pytest.mark.on_each
def test_a_snapshot_keeps_none_of_it_and_says_so(repo: Repository) -> None:
    taken = repo.snapshot("one", lock=True)
    assert held(repo) == KEPT
    assert taken.excluded is not None
    assert taken.excluded[:2] == ("*.tmp", "/scratch/")
    assert {"__pycache__/", "CACHEDIR.TAG"} < set(taken.excluded)
    assert taken.degraded == () or not any("left out" in line for line in taken.degraded)
    assert repo.status().clean
    assert repo.verify(every=True).ok
    assert files(Path(repo.restore("HEAD").path)) == {"a/kept.txt": "kept", "src/code.py": "code"}


@pytest.mark.on_each
def test_it_is_no_change_and_an_in_place_restore_leaves_it_alone(repo: Repository) -> None:
    main = repo.root / "main"
    first = repo.snapshot("one", lock=True)
    (main / "src" / "__pycache__" / "code.pyc").write_text("compiled again")
    (main / "scratch" / "more").write_text("more")
    (main / "a" / "x.tmp").unlink()
    assert repo.status().clean
    assert repo.snapshot_if_changed("nothing", lock=True) is None
    (main / "src" / "code.py").write_text("edited")
    (main / "new" / "__pycache__").mkdir(parents=True)
    (main / "new" / "__pycache__" / "m.pyc").write_text("of a module that goes")
    (main / "new" / "module.py").write_text("module")
    repo.snapshot("two", lock=True)
    back = repo.restore_inplace(first.snapshot_id, reason="back", lock=True)
    assert (back.modified, back.removed) == (["src/code.py"], ["new/module.py"])
    assert files(main) == {
        "a/kept.txt": "kept",
        "src/code.py": "code",
        "src/__pycache__/code.pyc": "compiled again",
        "scratch/f": "scratch",
        "scratch/more": "more",
        "tagged/inner/f": "cached",
        "new/__pycache__/m.pyc": "of a module that goes",
    }
    assert repo.status().clean
    repo.undo(lock=True)
    assert (main / "new" / "module.py").read_text() == "module"
    assert (main / "src" / "__pycache__" / "code.pyc").read_text() == "compiled again"
    assert repo.status().clean
    assert repo.verify(every=True).ok


def test_what_an_earlier_snapshot_holds_is_not_gone_when_it_is_excluded_later(workdir: Path) -> None:
    repo = init(workdir, ())
    main = repo.root / "main"
    (main / "scratch").mkdir()
    (main / "scratch" / "f").write_text("before")
    (main / "b.txt").write_text("b")
    first = repo.snapshot("with it", lock=True)
    config = repo.root / ".jvs" / "config.toml"
    config.write_text(config.read_text().replace("patterns = []", 'patterns = ["/scratch/"]'))
    repo = Repository(repo.root)
    (main / "scratch" / "f").write_text("after")
    assert repo.status().clean
    assert repo.snapshot_if_changed("nothing", lock=True) is None
    second = repo.snapshot("without it", lock=True)
    assert held(repo) == ["b.txt"]
    assert repo.compare(first.snapshot_id, second.snapshot_id).removed == ["scratch/f"]
    assert repo.compare(first.snapshot_id).removed == []
    repo.restore_inplace(first.snapshot_id, reason="back", lock=True)
    assert (main / "scratch" / "f").read_text() == "after"
    assert repo.status().clean
    assert (Path(repo.restore(first.snapshot_id).path) / "scratch" / "f").read_text() == "before"


def test_a_folder_with_excluded_files_is_not_replaced_whole(repo: Repository) -> None:
    main = repo.root / "main"
    first = repo.snapshot("one", lock=True)
    (main / "src" / "code.py").write_text("edited")
    with pytest.raises(
        EngineFailed, match="src contains files that are excluded from snapshots: src/__pycache__"
    ):
        repo.restore_path(first.snapshot_id, "src", inplace=True, reason="back", lock=True)
    assert (main / "src" / "code.py").read_text() == "edited"
    repo.restore_path(first.snapshot_id, "src/code.py", inplace=True, reason="back", lock=True)
    assert (main / "src" / "code.py").read_text() == "code"
    assert (main / "src" / "__pycache__" / "code.pyc").read_text() == "compiled"


def test_a_file_that_stands_where_a_folder_is_to_be_is_not_replaced_when_it_is_excluded(
    repo: Repository,
) -> None:
    main = repo.root / "main"
    (main / "mixed").mkdir()
    (main / "mixed" / "file.txt").write_text("in a folder")
    with_folder = repo.snapshot("a folder", lock=True)
    (main / "mixed" / "file.txt").unlink()
    (main / "mixed" / "own.tmp").write_text("excluded")
    (main / "mixed" / "own.tmp").rename(main / "own.tmp")
    (main / "mixed").rmdir()
    (main / "mixed").write_text("a file")
    as_file = repo.snapshot("a file", lock=True)
    repo.restore_inplace(with_folder.snapshot_id, reason="back", lock=True)
    (main / "own.tmp").rename(main / "mixed" / "own.tmp")
    with pytest.raises(EngineFailed, match=r"JVS changed nothing.*mixed/own\.tmp"):
        repo.restore_inplace(as_file.snapshot_id, reason="forward", lock=True)
    assert (main / "mixed" / "own.tmp").read_text() == "excluded"


def test_a_worktree_goes_with_what_is_excluded_but_not_with_a_repository_in_it(repo: Repository) -> None:
    repo.snapshot("one", lock=True)
    made = Path(repo.worktrees.create("other").path)
    (made / "scratch").mkdir()
    Repository.init(made.parent.parent.parent / "apart", engine="copy")
    subprocess.run(["cp", "-a", made.parent.parent.parent / "apart", made / "scratch" / "apart"], check=True)
    with pytest.raises(UnsavedChanges, match="scratch/apart"):
        repo.worktrees.remove("other")
    subprocess.run(["rm", "-rf", made / "scratch" / "apart"], check=True)
    (made / "scratch" / "f").write_text("goes")
    repo.worktrees.remove("other")
    assert not made.exists()


@on("btrfs")
@pytest.mark.parametrize(("count", "engine"), [(400, "btrfs-snapshot"), (600, "reflink-copy")])
def test_on_btrfs_the_engine_follows_from_how_much_is_excluded(
    repo: Repository, count: int, engine: str
) -> None:
    for number in range(count):
        (repo.root / "main" / "scratch" / str(number)).touch()
    assert repo.snapshot("one", lock=True).engine == engine
    assert held(repo) == KEPT
    assert repo.status().clean
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("pattern", ["", "!", "#comment", "a\\", "a\nb", "x" * 1001])
def test_what_is_no_pattern_is_refused_before_anything_is_made(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError):
        Repository.init(tmp_path / "repo", exclude=[pattern])
    assert not (tmp_path / "repo").exists()


def test_how_much_of_a_snapshot_lies_in_caches(tmp_path: Path) -> None:
    repo = Repository.init(tmp_path / "repo")
    fill(repo.root / "main")
    repo.snapshot("all", lock=True)
    share = repo.caches()
    assert (share.files, share.all_files) == (3, 7)
    assert share.bytes == len("compiled") + len("cached") + len(TAG_SIGNATURE)
