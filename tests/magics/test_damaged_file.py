"""A damaged file of a snapshot is never shown: neither by ``%jvs cat`` nor in the browser's preview."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_magics.browser import Browser
from tests.magics.kernel import Kernel
from tests.support.damage import DAMAGES, payload_file, rot


@pytest.mark.parametrize("damage", ["rot", "truncated", "fifo", "link", "folder"])
def test_cat_says_so_in_one_line(ip: Kernel, main: Path, damage: str) -> None:
    ip.ok("%jvs snapshot one")
    DAMAGES[damage](payload_file(Repository.open(main), "HEAD", "a.txt"))
    assert ip.fails("%jvs cat HEAD a.txt").startswith("E_PAYLOAD_HASH_MISMATCH: ")


def test_the_digest_of_an_answer_is_that_of_its_content(ip: Kernel) -> None:
    ip.ok("%jvs snapshot one\nfound = %jvs cat HEAD a.txt")
    assert ip.value("import hashlib; hashlib.sha256(found.content).hexdigest() == found.sha256") == "True"


@pytest.mark.parametrize("at", [0, 5_000_000])
def test_a_preview_is_of_a_file_that_is_whole(tmp_path: Path, at: int) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "large.txt").write_text("line\n" * 1_200_000)
    repo.snapshot(lock=True)
    rot(payload_file(repo, "HEAD", "large.txt"), at=at)
    magics: Any = None
    panel = Browser(magics, repo, None).panel
    panel.snapshots.value = repo.resolve("HEAD")
    panel.files.value = "large.txt"
    assert "E_PAYLOAD_HASH_MISMATCH" in panel.status.value
