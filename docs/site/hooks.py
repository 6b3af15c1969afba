"""What mkdocs asks while it builds the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_FOR_TESTS = re.compile(r'^(\s*```\w+) title="Not run by the tests: [^"]+"$', re.MULTILINE)


def on_config(config: Any) -> None:
    """Fill the section of design notes with all there are."""
    notes = sorted((Path(config.docs_dir) / "design").glob("*.md"))
    section = next(entry for entry in config.nav if "Design notes" in entry)
    section["Design notes"] = [f"design/{note.name}" for note in notes]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leave out what the heads of code blocks say to those who run the documentation's tests."""
    return _FOR_TESTS.sub(r"\1", markdown)
