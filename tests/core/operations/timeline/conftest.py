"""A repository whose worktree a person works in."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


@pytest.fixture
def main(repo: Repository) -> Path:
    return repo.root / "main"
