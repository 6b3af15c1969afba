"""How readable the documentation is: ``python docs/readability.py [--sentences] [PAGE…]``; ``make docs`` runs it.

A page's prose is what is left without code, tables, headings and links' targets. The figures are words, words a
sentence, and the automated readability index of Senter and Smith (the school year that reads it easily). ``_WORDS`` lists expressions that
readers stumbled over; a page that has one of them, a sentence that is too long or an index that is too high fails.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tutorial", "guides", "concepts", "reference")
FOR_PROGRAMS = (
    "benchmarks.md",
    "format.md",
    "python.md",
    "rest-api.md",
)  # figures, fields and signatures: no prose to speak of
MOST_WORDS = 40
MOST_INDEX = 11.0
_WORDS = (
    r"\bhe\b",
    r"\bhis\b",
    r"\bhim\b",
    r"held against",
    r"\banew\b",
    r"\bneed be\b",
)


@dataclass(frozen=True)
class Page:
    """A page's prose, a paragraph or list item a string."""

    path: Path
    prose: list[str]

    @property
    def text(self) -> str:
        """All of it; every paragraph ends as a sentence does."""
        return "\n".join(one if one[-1:] in ".!?" else f"{one.rstrip(':;,')}." for one in self.prose)

    @property
    def sentences(self) -> list[str]:
        """Its sentences."""
        return [one for part in self.prose for one in re.split(r"(?<=[.!?])\s+", part) if one]

    @property
    def index(self) -> float:
        """The automated readability index."""
        words = self.text.split()
        if not words:
            return 0.0
        letters = sum(letter.isalnum() for word in words for letter in word)
        return 4.71 * letters / len(words) + 0.5 * len(words) / len(self.sentences) - 21.43


def pages(names: Sequence[str] = ()) -> Iterator[Path]:
    """Yield the pages that people read, or those that are named."""
    if names:
        yield from map(Path, names)
        return
    yield from (ROOT / "README.md", ROOT / "docs/index.md", ROOT / "docs/faq.md")
    for folder in FOLDERS:
        for page in sorted((ROOT / "docs" / folder).glob("*.md")):
            if page.name not in FOR_PROGRAMS:
                yield page


def read(path: Path) -> Page:
    """Return the prose of a page."""
    prose: list[str] = []
    cell = False
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text())
    for before, token in zip([None, *tokens], tokens, strict=False):
        cell = (cell or token.type == "table_open") and token.type != "table_close"
        if token.type != "inline" or cell or (before is not None and before.type == "heading_open"):
            continue
        words = "".join(_said(child) for child in token.children or ())
        if re.search(r"[a-z]{2}", words):
            prose.append(" ".join(words.split()))
    return Page(path, prose)


def _said(token: object) -> str:
    kind = getattr(token, "type", "")
    if kind in ("softbreak", "hardbreak"):
        return " "
    if kind == "code_inline":
        return "code"
    return str(getattr(token, "content", "")) if kind == "text" else ""


def faults(page: Page) -> Iterator[str]:
    """Yield what a reader would stumble over."""
    for sentence in page.sentences:
        many = len(sentence.split())
        if many > MOST_WORDS:
            yield f"{many} words: {sentence}"
        for words in _WORDS:
            if re.search(words, sentence, re.IGNORECASE):
                yield f"{words!r}: {sentence}"
    if page.index > MOST_INDEX:
        yield f"index {page.index:.1f}, more than {MOST_INDEX:.0f}"


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a page and what is wrong; return 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="print a line for each page")
    parser.add_argument("page", nargs="*")
    options = parser.parse_args(arguments)
    failed = False
    total_words = total_sentences = 0
    for path in pages(options.page):
        page, name = read(path), str(path.resolve().relative_to(ROOT))
        words, sentences = len(page.text.split()), len(page.sentences)
        total_words, total_sentences = total_words + words, total_sentences + sentences
        if options.table:
            say(
                f"{name:45} {words:6} words {words / max(sentences, 1):5.1f} a sentence, index {page.index:4.1f}"
            )
        for fault in faults(page):
            failed = True
            say(f"{name}: {fault}")
    if options.table:
        say(f"{'all':45} {total_words:6} words {total_words / max(total_sentences, 1):5.1f} a sentence")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
