"""What a manifest says of owners, setuid, setgid and capabilities is no authority, unless root asks for it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import InputError, Repository, Settings
from tests.hostile.team import ANN, TEAM, settings
from tests.support.users import as_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
CAPABILITY = "security.capability"
NET_BIND = bytes.fromhex("0100000200040000000000000000000000000000")

Facts = tuple[int, int, int, bytes | None]


@pytest.fixture(autouse=True)
def _mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def facts(path: Path) -> Facts:
    """Return owner, group, mode and capabilities."""
    st = path.lstat()
    try:
        capability = os.getxattr(path, CAPABILITY)
    except OSError:
        capability = None
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), capability


def tools(main: Path) -> dict[str, Facts]:
    """Make programs with rights in ``main``; return what they are."""
    for name, uid, mode in (("setuid", ANN, 0o4755), ("setgid", 0, 0o2755), ("capable", 0, 0o755)):
        shutil.copyfile("/bin/true", main / name)
        os.chown(main / name, uid, TEAM if uid else 0)
        (main / name).chmod(mode)
    os.setxattr(main / "capable", "user.kept", b"yes")
    with suppress(OSError):  # JuiceFS has no capabilities
        os.setxattr(main / "capable", CAPABILITY, NET_BIND)
    return {name: facts(main / name) for name in ("setuid", "setgid", "capable")}


PLAIN: dict[str, Facts] = dict.fromkeys(("setuid", "setgid", "capable"), (0, 0, 0o755, None))


def made(folder: Path) -> dict[str, Facts]:
    """Return what became of the programs."""
    assert os.getxattr(folder / "capable", "user.kept") == b"yes"
    return {name: facts(folder / name) for name in PLAIN}


@pytest.fixture
def who(tmp_path: Path) -> Settings:
    """Return root's settings, with the engine that fits the file system."""
    return replace(settings(tmp_path, 0), engine=None)


@pytest.fixture
def repo(workdir: Path, who: Settings) -> Repository:
    """Return a repository that only root can write, on each file system."""
    return Repository.init(workdir / "roots", settings=who)


def test_a_new_worktree_of_root_is_roots_and_says_what_it_left_out(repo: Repository) -> None:
    was = tools(repo.root / "main")
    taken = repo.snapshot("tools", lock=True)
    plain = repo.restore(taken.snapshot_id, name="plain")
    assert made(repo.worktrees.path("plain")) == PLAIN
    assert sorted(line.partition(":")[0] for line in plain.degraded) == [
        "owner or group not kept on 1 entry",
        f"setuid, setgid or capabilities not kept on {3 if was['capable'][3] else 2} files",
    ]
    whole = repo.restore(taken.snapshot_id, name="whole", same_owner=True)
    assert (made(repo.worktrees.path("whole")), whole.degraded) == (was, ())
    assert repo.status("plain").clean
    assert not repo.compare(taken.snapshot_id, worktree="plain").modified
    repo.worktrees.remove("plain")  # what was left out is in the snapshot: nothing is unsaved


def test_in_place_root_gives_no_rights_and_takes_none(repo: Repository) -> None:
    main = repo.root / "main"
    was = tools(main)
    taken = repo.snapshot("tools", lock=True)
    (main / "setuid").write_text("edited")
    (main / "setgid").unlink()
    repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
    uid, gid = was["setuid"][:2]
    assert made(main) == {
        "setuid": (uid, gid, 0o755, None),  # what is replaced keeps its owner
        "setgid": PLAIN["setgid"],
        "capable": was["capable"],  # lay there, with what it has
    }
    assert repo.status().clean
    done = repo.restore_inplace(taken.snapshot_id, reason="all of it", lock=True, same_owner=True)
    assert (made(main), done.degraded) == (was, ())


def test_a_path_is_brought_without_rights(repo: Repository) -> None:
    main = repo.root / "main"
    (main / "bin").mkdir()
    was = tools(main / "bin")
    taken = repo.snapshot("tools", lock=True)
    plain = repo.restore_path(taken.snapshot_id, "bin", to="plain")
    assert made(main / "plain") == PLAIN
    assert any("capabilities not kept" in line for line in plain.degraded)
    repo.restore_path(taken.snapshot_id, "bin", to="whole", same_owner=True)
    assert made(main / "whole") == was
    for name in set(PLAIN) - (set() if was["capable"][3] else {"capable"}):
        one = repo.restore_path(taken.snapshot_id, f"bin/{name}", to=f"one-{name}")
        assert facts(main / f"one-{name}") == PLAIN[name]
        assert any("capabilities not kept" in line for line in one.degraded)
        repo.restore_path(taken.snapshot_id, f"bin/{name}", to=f"same-{name}", same_owner=True)
        assert facts(main / f"same-{name}") == was[name]


def test_who_is_not_root_makes_no_file_setuid(place: Path) -> None:
    """A program of a member would run with the rights of whoever restores it, for all who reach the worktree."""
    who = settings(place, ANN)
    roots = Repository.init(place / "roots", settings=settings(place, 0))
    (roots.root / "main/x").touch()
    roots.snapshot(lock=True)  # loads modules from where another user may not read
    place.chmod(0o2770)
    with as_user(ANN, TEAM):
        hers = Repository.init(place / "hers", settings=who)
        tool = hers.root / "main/tool"
        shutil.copy("/bin/true", tool)
        tool.chmod(0o4755)
        taken = hers.snapshot("tool", lock=True)
        plain = hers.restore(taken.snapshot_id, name="copy")
        assert facts(hers.worktrees.path("copy") / "tool")[2] == 0o755
        assert any("setuid" in line for line in plain.degraded)
        with pytest.raises(InputError, match="only root"):
            hers.restore(taken.snapshot_id, same_owner=True)
        hers.restore_inplace(taken.snapshot_id, reason="the same", lock=True)
        assert facts(tool)[2] == 0o4755


@pytest.mark.parametrize("way", ["shared", "of a user", "group may write"])
def test_same_owner_is_refused_where_others_can_write(place: Path, who: Settings, way: str) -> None:
    repo = Repository.init(place / "team", shared=way == "shared", settings=who)
    tools(repo.root / "main")
    taken = repo.snapshot("tools", lock=True)
    if way == "of a user":
        os.chown(repo.root / ".jvs", ANN, -1)
    elif way == "group may write":
        (repo.root / ".jvs").chmod(0o770)
    calls = (
        lambda: repo.restore(taken.snapshot_id, same_owner=True),
        lambda: repo.restore_path(taken.snapshot_id, "setuid", to="other", same_owner=True),
        lambda: repo.restore_inplace(taken.snapshot_id, reason="x", lock=True, same_owner=True),
        lambda: repo.undo(lock=True, same_owner=True),
    )
    for call in calls:
        with pytest.raises(InputError, match="users other than root can write"):
            call()


def test_the_command_line_asks_with_same_owner(repo: Repository) -> None:
    was = tools(repo.root / "main")
    taken = repo.snapshot("tools", lock=True)

    def jvs(*arguments: str) -> str:
        command = [sys.executable, "-m", "jvs_core.cli", *arguments]
        return subprocess.run(command, cwd=repo.root, check=True, capture_output=True, text=True).stderr

    assert "capabilities not kept" in jvs("restore", taken.snapshot_id, "--name", "plain")
    assert "not kept" not in jvs("restore", taken.snapshot_id, "--name", "whole", "--same-owner")
    assert made(repo.worktrees.path("whole")) == was
