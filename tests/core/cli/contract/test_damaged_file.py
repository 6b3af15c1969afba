"""``jvs cat`` and ``restore --path`` of a file whose payload is not what was stored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.core.cli.conftest import Jvs
from tests.support.damage import DAMAGES, payload_file, rot


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_an_error_in_words_and_as_json(
    jvs: Jvs, repo: Path, two: tuple[str, str], damage: str
) -> None:
    DAMAGES[damage](payload_file(Repository(repo), two[0], "data/b.csv"))
    failed = jvs("cat", two[0], "data/b.csv", status=5)
    assert failed.out == ""
    assert failed.err.startswith("jvs: E_PAYLOAD_HASH_MISMATCH: ")
    assert f"hint: jvs verify {two[0]}" in failed.err
    error = jvs("cat", two[0], "data/b.csv", "--json", status=5).error
    assert error["code"] == "E_PAYLOAD_HASH_MISMATCH"
    assert "data/b.csv" in error["message"]
    taken = jvs("restore", two[0], "--path", "data/b.csv", "--to", "back", "--json", status=5).error
    assert taken["code"] == "E_PAYLOAD_HASH_MISMATCH"
    assert not os.path.lexists("back")


def test_of_a_large_damaged_file_the_end_is_not_printed(jvs: Jvs, repo: Path) -> None:
    content = os.urandom(3 << 20)
    Path("large").write_bytes(content)
    jvs("snapshot", "large", "--lock")
    rot(payload_file(Repository(repo), "HEAD", "large"), at=len(content) - 1)
    done = subprocess.run(
        [sys.executable, "-m", "jvs_core.cli", "cat", "HEAD", "large"], capture_output=True, check=False
    )
    assert done.returncode == 5
    assert done.stdout == content[: 2 << 20]
    assert done.stderr.startswith(b"jvs: E_PAYLOAD_HASH_MISMATCH: ")
