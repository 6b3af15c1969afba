"""Draw what ``jvs demo`` says as a picture for the README: ``python docs/picture.py``."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from click import unstyle
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from jvs_core.cli.demo import Demonstration

PICTURE = Path(__file__).parent / "images" / "demo.svg"
# The middle of the story: a change, and both ways back.
_FROM, _TO = "Now remove the outliers", "Read everything again"


def main() -> None:
    """Run the demonstration and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [line.replace(f"{folder}/demo", "~") for line in Demonstration(f"{folder}/demo").lines()]
    begins = [unstyle(line) for line in lines]
    first = next(number for number, line in enumerate(begins) if line.startswith(_FROM))
    last = next(number for number, line in enumerate(begins) if line.startswith(_TO))
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    for line in lines[first : last - 1]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    drawn = console.export_svg(title="jvs demo", theme=DIMMED_MONOKAI, unique_id="demo")
    # Nothing in the picture comes from elsewhere, fonts included.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL).replace("Fira Code, ", "")
    PICTURE.write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE), encoding="utf-8")


if __name__ == "__main__":
    main()
