"""Where a user's state lies, and what is said where it cannot lie there."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from jvs_core import InputError, Repository, Settings
from jvs_core.settings import owners_folder
from tests.support.users import as_user

VARIABLES = ("JVS_STATE_DIR", "JVS_CACHE_DIR")


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_relative_folder_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "state")
    with pytest.raises(InputError, match=variable):
        Settings.from_environment()


def test_without_a_home_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(InputError) as refused:
        Settings.from_environment()
    assert "HOME or JVS_STATE_DIR" in str(refused.value.hint)


@pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")
def test_a_folder_that_cannot_be_written_is_named_and_no_lock_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for path in (repo.root, *repo.root.rglob("*")):
        os.chown(path, 12345, 12345)
    monkeypatch.setenv("JVS_STATE_DIR", str(closed / "state"))
    with as_user():
        theirs = Repository(repo.root)
        with pytest.raises(InputError) as refused:
            theirs.snapshot(lock=True)
        assert "JVS_STATE_DIR" in str(refused.value.hint)
        assert theirs.locks.status().state == "free"


def test_the_folder_of_owners_must_be_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JVS_OWNERS_DIR", "relative")
    with pytest.raises(InputError, match="JVS_OWNERS_DIR is not an absolute path"):
        owners_folder()


def test_a_policy_goes_before_what_a_repository_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repository.init(tmp_path / "repo")
    with (repo.root / ".jvs" / "config.toml").open("a") as config:
        config.write("[timeline]\nevery_s = 60\nafter_save_s = 10\n")
    assert (repo.timeline.settings.every_s, repo.timeline.settings.after_save_s) == (60, 10)
    monkeypatch.setenv("JVS_TIMELINE", '{"every_s": 600, "enabled": false}')
    under = Repository(repo.root).timeline.settings
    assert (under.every_s, under.after_save_s, under.enabled) == (600, 10, False)


@pytest.mark.parametrize(
    "policy", ["[", "7", '{"every_s": "often"}', '{"colour": 1}', '{"keep": ["x"]}', "[[1]]"]
)
def test_a_policy_that_is_none_is_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    repo = Repository.init(tmp_path / "repo")
    monkeypatch.setenv("JVS_TIMELINE", policy)
    with pytest.raises(InputError, match="JVS_TIMELINE"):
        Repository(repo.root).timeline.settings  # noqa: B018 - it is read there
