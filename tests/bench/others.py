"""Other programs as contenders, where they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.contender import Contender, Operation
from tests.bench.process import Command, run, shell
from tests.bench.stage import Stage


def installed(stage: Stage, programs: Sequence[str]) -> list[Contender]:
    """Return those of ``programs`` that are on PATH."""
    return [PROGRAMS[program](stage) for program in programs if shutil.which(program)]


def version(program: str) -> str:
    """Return the first line of what the program says about its version."""
    word = "version" if program == "restic" else "--version"
    return subprocess.run([program, word], capture_output=True, text=True, check=True).stdout.splitlines()[0]


class Git:
    """Git with its repository beside the tree; ``sync -f`` at the end, since it leaves its objects to the cache."""

    name = "git"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.repository = stage.base / "git"
        self.back = stage.base / "git-back"

    def prepare(self, operation: Operation) -> Command | None:
        """Return commits and checkouts."""
        if operation == "first":
            self.stage.remove(self.repository)
            run(self._shell("git init -q; git config gc.auto 0"))
        if operation == "restore":
            self.stage.remove(self.back)
            run(self._shell("git worktree prune"))
        if operation in ("changed", "inplace"):
            self.stage.change()
        return self._shell(_GIT[operation])

    def _shell(self, script: str) -> Command:
        who = {
            f"GIT_{role}_{part}": "bench" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
        }
        return shell(
            script, str(self.back), folder=self.stage.tree,
            GIT_DIR=str(self.repository), GIT_WORK_TREE=str(self.stage.tree), GIT_CONFIG_GLOBAL=os.devnull, **who,
        )  # fmt: skip


_COMMIT = "git add -A .; git commit -q --allow-empty -m bench; sync -f ."
_GIT: dict[Operation, str] = {
    "first": _COMMIT,
    "changed": _COMMIT,
    "unchanged": _COMMIT,
    "restore": 'git worktree add -q -f --detach "$1" HEAD; sync -f "$1"',
    "inplace": f"{_COMMIT}; git checkout -q HEAD~1 -- .; sync -f .",
    "verify": "git fsck --full",
}


class Restic:
    """Restic with its repository on the same file system and its cache aside."""

    name = "restic"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.repository = stage.base / "restic"
        self.back = stage.base / "restic-back"

    def prepare(self, operation: Operation) -> Command | None:
        """Return backups and restores."""
        if operation == "first":
            self.stage.remove(self.repository)
            run(self._shell("restic init -q"))
        if operation == "restore":
            self.stage.remove(self.back)
        before = self._latest() if operation == "inplace" else ""
        if operation in ("changed", "inplace"):
            self.stage.change()
        return self._shell(_RESTIC[operation], before)

    def _latest(self) -> str:
        asked = self._shell("restic snapshots --json --latest 1")
        done = subprocess.run(
            asked.arguments, cwd=asked.folder, env={**os.environ, **asked.environment}, capture_output=True, check=True
        )  # fmt: skip
        return str(json.loads(done.stdout)[-1]["id"])

    def _shell(self, script: str, before: str = "") -> Command:
        return shell(
            script, str(self.stage.tree), str(self.back), before, folder=self.stage.base,
            RESTIC_REPOSITORY=str(self.repository), RESTIC_PASSWORD="bench",
            RESTIC_CACHE_DIR=str(self.stage.aside / "restic"),
        )  # fmt: skip


_BACKUP = 'restic backup -q "$1"'
_RESTIC: dict[Operation, str] = {
    "first": _BACKUP,
    "changed": _BACKUP,
    "unchanged": _BACKUP,
    "restore": 'restic restore -q latest --target "$2"; sync -f "$2"',
    "inplace": f'{_BACKUP}; restic restore -q "$3" --target /; sync -f "$1"',
    "verify": "restic check -q --read-data",
}


class Borg:
    """BorgBackup without encryption, its repository on the same file system and its cache aside."""

    name = "borg"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.repository = stage.base / "borg"
        self.back = stage.base / "borg-back"
        self.archives = 0

    def prepare(self, operation: Operation) -> Command | None:
        """Return creations and extractions of archives."""
        if operation == "first":
            self.stage.remove(self.repository)
            self.archives = 0
            run(self._shell('borg init -e none "$1"'))
        if operation == "restore":
            self.stage.remove(self.back)
        if operation in ("changed", "inplace"):
            self.stage.change()
        if operation in ("first", "changed", "unchanged", "inplace"):
            self.archives += 1
        return self._shell(_BORG[operation])

    def _shell(self, script: str) -> Command:
        places = (self.repository, self.back, str(self.archives), str(self.archives - 1))
        return shell(
            script, *places, folder=self.stage.tree, BORG_BASE_DIR=str(self.stage.aside / "borg"),
            BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes", BORG_RELOCATED_REPO_ACCESS_IS_OK="yes",
        )  # fmt: skip


_CREATE = 'borg create "$1::$3" .'
_BORG: dict[Operation, str] = {
    "first": _CREATE,
    "changed": _CREATE,
    "unchanged": _CREATE,
    "restore": 'mkdir "$2"; cd "$2"; borg extract "$1::$3"; sync -f .',
    "inplace": f'{_CREATE}; borg extract "$1::$4"; sync -f .',
    "verify": 'borg check --verify-data "$1"',
}


class Dvc:
    """DVC on a copy of the tree, which it replaces by links into its cache."""

    name = "DVC"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.folder = stage.base / "dvc"
        self.generation = 0

    def prepare(self, operation: Operation) -> Command | None:
        """Return additions and checkouts of the one folder ``data``."""
        data = self.folder / "data"
        if operation == "first":
            self.stage.remove(self.folder)
            self.folder.mkdir()
            run(shell('cp -a --reflink=auto "$1" "$2"', self.stage.tree, data, folder=self.folder))
            run(
                self._shell(
                    "dvc init -q --no-scm; dvc config cache.type reflink,copy; dvc config core.analytics false"
                )
            )
        if operation in ("changed", "inplace"):
            self.generation += 1
            self._change(data)
        script = _DVC.get(operation)
        return None if script is None else self._shell(script)

    def _change(self, data: Path) -> None:
        self.stage.workload.change(data, self.generation)

    def _shell(self, script: str) -> Command:
        return shell(script, folder=self.folder, DVC_SITE_CACHE_DIR=str(self.stage.aside / "dvc"))


_ADD = "dvc add -q data; sync -f ."
_DVC: dict[Operation, str] = {
    "first": _ADD,
    "changed": _ADD,
    "unchanged": _ADD,
    "inplace": "cp data.dvc kept; dvc add -q data; mv kept data.dvc; dvc checkout -q -f; sync -f .",
}


PROGRAMS: dict[str, Callable[[Stage], Contender]] = {
    "git": Git,
    "restic": Restic,
    "borg": Borg,
    "dvc": Dvc,
}
