"""A kernel that the tests of a module share, and a fresh repository for each of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.magics.kernel import Kernel, kernel

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Return a kernel for the whole module, with a user state of its own."""
    folder = tmp_path_factory.mktemp("kernel")
    own = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
    with kernel(folder, **own) as running:
        yield running


@pytest.fixture
def ip(shared: Kernel, tmp_path: Path) -> Kernel:
    """Return the module's kernel in the main worktree of a new repository that holds one file; options as usual."""
    shared.ok(f"%cd -q {tmp_path}\n%jvs init repo --engine copy\n%cd -q repo/main")
    shared.ok("%config JvsMagics.keep_cells = True\n%config JvsMagics.repo = ''\n%jvs auto off")
    (tmp_path / "repo" / "main" / "a.txt").write_text("one\n")
    return shared


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """Return the main worktree that ``ip`` works in."""
    return tmp_path / "repo" / "main"
