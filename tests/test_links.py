"""``docs/links.py`` finds what leads nowhere in a built site."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LINKS = Path(__file__).parent.parent / "docs" / "links.py"


def checked(site: Path, index: str) -> subprocess.CompletedProcess[str]:
    site.mkdir()
    (site / "guide").mkdir()
    (site / "guide" / "index.html").write_text('<h2 id="how">How</h2><a href="..">back</a>')
    (site / "index.html").write_text(index)
    return subprocess.run(
        [sys.executable, str(LINKS), str(site)], capture_output=True, text=True, check=False
    )


def test_pages_places_and_addresses_elsewhere_are_fine(tmp_path: Path) -> None:
    index = '<a id=top href="guide/#how">x</a><a href="#top">y</a><a href="https://example.org/gone">z</a>'
    done = checked(tmp_path / "site", index)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_pages_places_and_pictures_that_are_not_there_are_named(tmp_path: Path) -> None:
    index = (
        '<a href="gone/">x</a><a href="guide/#gone">y</a><a href="#gone">z</a><img src="gone.png">'
        '<picture><source srcset="gone.webp 1x, guide/index.html 2x"></picture>'
    )
    done = checked(tmp_path / "site", index)
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == [
        "gone/", "guide/#gone", "#gone", "gone.png", "gone.webp",
    ]  # fmt: skip


def test_no_page_at_all_is_no_success(tmp_path: Path) -> None:
    tmp_path.joinpath("site").mkdir()
    done = subprocess.run(
        [sys.executable, str(LINKS), str(tmp_path / "site")], check=False, capture_output=True
    )
    assert done.returncode == 1
