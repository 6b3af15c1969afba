"""A folder where a group works."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.team import TEAM


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that the group can reach."""
    place = Path(tempfile.mkdtemp(prefix="jvs-members-"))
    os.chown(place, 0, TEAM)
    place.chmod(0o2750)
    before = os.umask(0o022)
    yield place
    os.umask(before)
    shutil.rmtree(place)
