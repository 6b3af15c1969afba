"""``python -m tests.browser.pictures [FOLDER] [--only SCENE]`` photographs the panel into ``docs/images``; ``make picture`` runs it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import chromium, executable
from tests.browser.pictures.scenes import photograph

IMAGES = Path(__file__).parents[3] / "docs" / "images"


def main() -> int:
    """Make the pictures; 1 where there is no Chromium."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    parser.add_argument("--only", action="append", default=[], metavar="SCENE")
    options = parser.parse_args()
    path = executable()
    if path is None:
        sys.stderr.write("Chromium is not installed (on Debian: apt install chromium)\n")
        return 1
    with tempfile.TemporaryDirectory() as folder, chromium(path) as browser:
        photograph(browser, Path(folder), options.folder, options.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
