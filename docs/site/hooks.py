"""What mkdocs asks while it builds the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> None:
    """Fill the section of design notes with all there are."""
    notes = sorted((Path(config.docs_dir) / "design").glob("*.md"))
    section = next(entry for entry in config.nav if "Design notes" in entry)
    section["Design notes"] = [f"design/{note.name}" for note in notes]
