"""Commands typed in a folder that is no more, as after an in-place restore to a snapshot that did not have it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jvs_core import Repository

SOURCE = Path(__file__).parents[3]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo")
    (repo.root / "main" / "a").write_text("a")
    repo.snapshot("one", lock=True)
    (repo.root / "main" / "sub" / "deep").mkdir(parents=True)
    (repo.root / "main" / "sub" / "deep" / "b").write_text("b")
    repo.snapshot("two", lock=True)
    return repo


def jvs_in(gone: Path, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that is removed before the command starts; ``-P`` leaves the folder out of imports."""
    script = 'cd "$1" && shift && rm -rf "$PWD" && exec "$@"'
    line = ["bash", "-c", script, "bash", str(gone), sys.executable, "-P", "-m", "jvs_core.cli", *args]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **variables}
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("at", ["sub", "sub/deep"])
@pytest.mark.parametrize("line", [["status"], ["history"], ["--repo", ".", "status"], ["snapshot", "--lock"]])
def test_a_command_finds_the_repository_from_a_folder_that_is_gone(
    repo: Repository, at: str, line: list[str]
) -> None:
    ran = jvs_in(repo.root / "main" / at, *line)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_undo_brings_the_folder_back_in_which_it_is_typed(repo: Repository) -> None:
    script = (
        'cd "$1" && shift && "$@" lock acquire && "$@" restore HEAD~1 --inplace --force --reason x && '
        '! test -e "$PWD" && "$@" undo'
    )
    deep = repo.root / "main" / "sub" / "deep"
    command = [sys.executable, "-P", "-m", "jvs_core.cli"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    ran = subprocess.run(
        ["bash", "-c", script, "bash", str(deep), *command],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert (deep / "b").read_text() == "b"


def test_the_worktree_is_the_one_that_the_folder_lay_in(repo: Repository) -> None:
    made = Path(repo.worktrees.create("exp").path)
    ran = jvs_in(made / "sub", "status")
    assert ran.stdout.startswith("On worktree exp\n")


def test_the_environment_does_not_say_where_the_repository_is(repo: Repository, tmp_path: Path) -> None:
    other = Repository.init(tmp_path / "other")
    ran = jvs_in(repo.root / "main" / "sub", "info", PWD=str(other.root / "main"))
    assert ran.stdout.startswith(f"Repository: {repo.root}\n")


def test_outside_of_a_repository_the_error_says_where_to_go(tmp_path: Path) -> None:
    (tmp_path / "plain" / "gone").mkdir(parents=True)
    ran = jvs_in(tmp_path / "plain" / "gone", "status")
    assert ran.returncode == 3
    assert f"the current folder was removed: {tmp_path / 'plain' / 'gone'}" in ran.stderr
    assert f"cd {tmp_path / 'plain'}" in ran.stderr
    (tmp_path / "plain" / "gone").mkdir()
    ran = jvs_in(tmp_path / "plain" / "gone", "init", "new")
    assert "the current folder was removed" in ran.stderr


def test_another_folder_in_its_place_counts_as_that_place(repo: Repository) -> None:
    sub = repo.root / "main" / "sub"
    back = os.getcwd()
    os.chdir(sub)
    try:
        shutil.rmtree(sub)
        sub.mkdir()
        assert Repository.open(".").root == repo.root
    finally:
        os.chdir(back)
