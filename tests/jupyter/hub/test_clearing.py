"""Emptying a folder that somebody filled so that it is hard to empty."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_jupyter.hub.making import Clearing, clear

DEPTH = 3000


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_descriptors")
def test_folders_as_deep_as_anybody_likes_are_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    top = tmp_path / "top"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for number in range(DEPTH):
        os.mkdir("d", dir_fd=here)
        if number % 1000 == 0:
            os.mkdir("e", dir_fd=here)
            os.symlink(outside, "link", dir_fd=here)
            os.symlink(outside, "e/link", dir_fd=here)
        following = os.open("d", os.O_RDONLY, dir_fd=here)
        if number % 1000 == 1:
            os.fchmod(here, 0o500)
        os.close(here)
        here = following
    os.close(here)
    clear(Clearing(folder=str(top)))
    assert list(top.iterdir()) == []
    assert (outside / "kept.txt").read_text() == "kept"
