"""A folder of a repository is exchanged for a symbolic link while a command works: nothing behind the link is touched."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import jvs_core
from jvs_core import JvsError, Repository
from jvs_core.control.layout import Layout
from jvs_core.errors import PathEscape
from jvs_core.progress import Silent

Act = Callable[[Repository, "Exchange"], object]


class Exchange(Silent):
    """At a step, put a link to a copy outside in the place of ``folder``."""

    def __init__(self, folder: Path, outside: Path, step: str) -> None:
        self.folder, self.outside, self.step = folder, outside, step
        self.done = False

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step and not self.done:
            self.exchange()

    def exchange(self) -> None:
        """Exchange them now."""
        self.done = True
        shutil.copytree(self.folder, self.outside, symlinks=True)
        self.folder.rename(self.folder.with_name(self.folder.name + ".away"))
        self.folder.symlink_to(self.outside)


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return name, mode and content of all that is in ``folder``."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() and not path.is_symlink() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository with everything that a command may find in a control folder."""
    repo = Repository.init(tmp_path / "team")
    for number in range(3):
        (repo.root / "main/notes.txt").write_text(f"notes {number}")
        repo.snapshot(f"note {number}", lock=True)
    (repo.root / "main/data").mkdir()
    (repo.root / "main/data/a.csv").write_text("1")
    repo.refs.create("kept", "HEAD")
    repo.pins.create("HEAD~1")
    repo.worktrees.create("other")
    repo.snapshot("last", lock=True)
    return repo


ACTS: dict[str, tuple[Act, tuple[str, ...]]] = {
    "snapshot": (
        lambda repo, at: repo.snapshot("x", lock=True, progress=at),
        (
            "intent",
            "clone",
            "manifest",
            "descriptor",
            "ready",
            "fence",
            "publish",
            "catalog",
            "head",
            "audit",
        ),
    ),
    "restore": (
        lambda repo, at: repo.restore("HEAD~1", progress=at),
        ("clone", "settle", "publish"),
    ),
    "restore in place": (
        lambda repo, at: repo.restore_inplace("HEAD~1", reason="x", lock=True, progress=at),
        ("intent", "converge", "head"),
    ),
    "restore of a path": (
        lambda repo, at: repo.restore_path("HEAD", "data", to="new/data", progress=at),
        ("clone", "settle"),
    ),
    "worktree remove": (
        lambda repo, at: repo.worktrees.remove("other", progress=at),
        ("hide", "delete"),
    ),
}
FOLDERS = [
    *(
        f".jvs/{name}"
        for name in ("snapshots", "descriptors", "worktrees", "intents", "locks", "audit", "gc/pins")
    ),
    "worktrees",
    "main",
]
CASES = [(act, step) for act, (_, steps) in ACTS.items() for step in steps]


@pytest.mark.parametrize(("act", "step"), CASES)
def test_nothing_behind_a_link_is_touched(repo: Repository, tmp_path: Path, act: str, step: str) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(repo.root, whole, symlinks=True)
    for number, folder in enumerate(FOLDERS):
        root = tmp_path / f"copy-{number}"
        shutil.copytree(whole, root, symlinks=True)
        outside = tmp_path / f"outside-{number}"
        at = Exchange(root / folder, outside, step)
        before = state(root / folder)
        with suppress(JvsError):
            ACTS[act][0](Repository(root), at)
        assert at.done, folder
        moved = state(root / f"{folder}.away")
        written = {name for name, what in state(outside).items() if before.get(name) != what}
        assert written <= moved.keys(), (folder, sorted(written - moved.keys()))
        shutil.rmtree(root)


def test_doctor_deletes_nothing_behind_a_link(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was listed in a folder is deleted in that folder, not in what has its name by then."""
    victims = tmp_path / "home"
    (victims / "thesis").mkdir(parents=True)
    (victims / "thesis/chapter.tex").write_text("years")
    locks = repo.root / ".jvs/locks"
    (locks / "thesis").mkdir()
    listing = Layout.listing

    def exchanged(self: Layout, folder: Path) -> list[str]:
        names = listing(self, folder)
        if folder == locks and not locks.is_symlink() and "thesis" in names:
            locks.rename(locks.with_name("away"))
            locks.symlink_to(victims)
        return names

    monkeypatch.setattr(Layout, "listing", exchanged)
    with pytest.raises(JvsError) as refused:
        repo.doctor(repairs=["clean_locks"])
    assert refused.value.code == "E_PATH_ESCAPE"
    assert (victims / "thesis/chapter.tex").read_text() == "years"


@pytest.mark.parametrize("repair", ["clean_tmp", "clean_locks", "clean_intents"])
def test_a_link_in_the_place_of_the_worktrees_leads_nowhere(tmp_path: Path, repair: str) -> None:
    repo = Repository.init(tmp_path / "fetched")
    others = tmp_path / "others"
    (others / ".trial.0a1b2c3d.tmp").mkdir(parents=True)
    (others / ".trial.0a1b2c3d.tmp/only.copy").write_text("work")
    os.utime(others / ".trial.0a1b2c3d.tmp", (0, 0))
    (repo.root / "worktrees").rmdir()
    (repo.root / "worktrees").symlink_to(others)
    with suppress(PathEscape):
        repo.doctor(repairs=[repair])
    assert (others / ".trial.0a1b2c3d.tmp/only.copy").read_text() == "work"
    with pytest.raises(JvsError) as refused:
        repo.worktrees.create("new")
    assert refused.value.code == "E_PATH_ESCAPE"


BY_PATH = {
    "os": {"rename", "replace", "unlink", "rmdir", "remove", "mkdir", "makedirs", "chmod", "chown", "truncate", "link", "symlink", "utime"},
    "shutil": {"rmtree", "move", "copyfile", "copytree"},
    "": {"unlink", "rmdir", "mkdir", "touch", "write_text", "write_bytes", "symlink_to", "hardlink_to", "chmod"},
}  # fmt: skip
# What lies in a user's own folders, not in a repository.
ALLOWED = {
    ("control/trust.py", "mkdir"),
    ("control/lock/session.py", "mkdir"),
    ("control/lock/session.py", "unlink"),
    ("operations/context.py", "mkdir"),
    ("operations/change_index.py", "mkdir"),  # in the folder of caches
    ("operations/change_index.py", "unlink"),
    ("operations/last_read.py", "mkdir"),
    ("operations/last_read.py", "unlink"),
    ("operations/moving/unpacking.py", "utime"),  # of an open file
    ("operations/bisect.py", "mkdir"),  # in the user's own state folder, as are announcements
    ("operations/bisect.py", "unlink"),
    ("operations/timeline/announcements.py", "mkdir"),
    ("operations/timeline/announcements.py", "unlink"),
}


@pytest.mark.parametrize("wing", ["control", "operations"])
def test_nothing_in_a_repository_is_changed_by_its_path(wing: str) -> None:
    found = set()
    top = Path(jvs_core.__file__).parent
    for module in sorted((top / wing).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                on = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if any((word.arg or "").endswith("dir_fd") for word in node.keywords):
                    continue
                if on != "files" and node.func.attr in BY_PATH.get(on, BY_PATH[""]):
                    found.add((str(module.relative_to(top)), node.func.attr))
    assert found == {allowed for allowed in ALLOWED if allowed[0].startswith(wing)}
