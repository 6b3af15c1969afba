"""How readable the words are that people read: ``python docs/readability.py [--table] [PAGE…]``; ``make docs`` runs it.

A page's prose is what is left without code, headings and links' targets; a cell of a table counts where it is a sentence.
What JVS says itself (``docs/spoken.py``) counts as pages do. The figures are words, words a sentence, the share of
sentences with more than ``LONG`` words, the share in the passive voice, and the automated readability index of
Senter and Smith (the school year that reads it easily). ``_WORDS`` lists expressions that readers stumbled over.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import spoken
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tutorial", "guides", "concepts", "reference")
SINGLE = ("README.md", "CHANGELOG.md", "SECURITY.md", "docs/index.md", "docs/faq.md", "docs/glossary.md")
MOST_WORDS = 35
MOST_INDEX = 8.0
LONG = 25
MOST_LONG = 0.10
MOST_PASSIVE = 0.30
_NAMES = re.compile(r"\bcode(?: \([^()]*\))?(?:,? (?:(?:and|or) )?code(?: \([^()]*\))?)+")
"""Names or fields in a row, each perhaps explained in brackets: a list, which counts as one word."""
MEASURED = ("benchmarks.md",)
"""Figures with the reasons for them: long sentences and their share may stand."""
FEWEST = 20
"""Shares say nothing of fewer sentences."""
CELL = 6
"""A cell of fewer words is a name or a value."""
_WORDS = (
    r"\bhe\b",
    r"\bhis\b",
    r"\bhim\b",
    r"\b(held|holds?|holding) (\S+ ){0,6}against\b",
    r"\banew\b",
    r"\bneed be\b",
    r"\bmend(s|ed|ing)?\b",
    r"\b(come|comes|came) to lie\b",
    r"\bsa(y it|id) again\b",
    r"\bto the letter\b",
    r"\bfor who\b",
    r"\bas ever\b",
    r"\bfor want of\b",
    r"\b(lest|whilst|thereof|hereby|whosoever)\b",
)
_PASSIVE = re.compile(
    r"\b(is|are|was|were|be|been|being|gets?|got)\s+(?:(?:not|never|also|only|already|still|then|always|\w+ly)\s+)*"
    r"(\w+ed|\w+en|made|kept|put|read|set|sent|held|told|found|lost|cut|left|run|built|said|shown|known|done|gone"
    r"|begun|brought|meant|paid|sold|spent|split|understood|won|lent|hidden)\b(?!-)",
    re.IGNORECASE,
)
_NO_PASSIVE = re.compile(r"\b(open|often|even|then|when|indeed|need|speed|gone|hidden)$", re.IGNORECASE)
"""Adjectives and adverbs that look like a participle."""


@dataclass(frozen=True)
class Page:
    """A page's prose, a paragraph, list item or cell a string."""

    name: str
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

    @property
    def long(self) -> float:
        """The share of sentences with more than ``LONG`` words."""
        return self._share(sum(len(one.split()) > LONG for one in self.sentences))

    @property
    def passive(self) -> float:
        """The share of sentences in the passive voice."""
        return self._share(sum(is_passive(one) for one in self.sentences))

    def _share(self, count: int) -> float:
        return count / max(len(self.sentences), 1)


def is_passive(sentence: str) -> bool:
    """Say whether a sentence has a form of *be* with a participle."""
    return any(not _NO_PASSIVE.search(found[2]) for found in _PASSIVE.finditer(sentence))


def pages(names: Sequence[str] = ()) -> Iterator[Page]:
    """Yield what people read, or the pages that are named."""
    if names:
        yield from (read(Path(name)) for name in names)
        return
    yield from (read(ROOT / name) for name in SINGLE)
    for folder in FOLDERS:
        for page in sorted((ROOT / "docs" / folder).glob("*.md")):
            yield read(page)
    for name, texts in spoken.texts():
        yield Page(name, [prose for text in texts for prose in _prose(text) if len(prose.split()) > 2])


def read(path: Path) -> Page:
    """Return the prose of a page."""
    return Page(str(path.resolve().relative_to(ROOT)), list(_prose(path.read_text())))


def _prose(text: str) -> Iterator[str]:
    cell = False
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        cell = (cell or token.type == "table_open") and token.type != "table_close"
        if token.type != "inline" or (before is not None and before.type == "heading_open"):
            continue
        words = " ".join("".join(_said(child) for child in token.children or ()).split())
        words = _NAMES.sub("code", words)
        if re.search(r"[a-z]{2}", words) and not (cell and len(words.split()) < CELL):
            yield words


def _said(token: object) -> str:
    kind = getattr(token, "type", "")
    if kind in ("softbreak", "hardbreak"):
        return " "
    if kind == "code_inline":
        return "code"
    return str(getattr(token, "content", "")) if kind == "text" else ""


def faults(page: Page) -> Iterator[str]:
    """Yield what a reader would stumble over."""
    is_measured = page.name.endswith(MEASURED)
    for sentence in page.sentences:
        many = len(sentence.split())
        if many > MOST_WORDS and not is_measured:
            yield f"{many} words: {sentence}"
        for words in _WORDS:
            if re.search(words, sentence, re.IGNORECASE):
                yield f"{words!r}: {sentence}"
    if page.index > MOST_INDEX:
        yield f"index {page.index:.1f}, more than {MOST_INDEX:.0f}"
    if len(page.sentences) >= FEWEST and page.long > MOST_LONG and not is_measured:
        yield f"{page.long:.0%} of its sentences have more than {LONG} words, more than {MOST_LONG:.0%}"
    if len(page.sentences) >= FEWEST and page.passive > MOST_PASSIVE:
        yield f"{page.passive:.0%} of its sentences are passive, more than {MOST_PASSIVE:.0%}"


def row(page: Page) -> str:
    """Return the figures of a page as a line."""
    words, sentences = len(page.text.split()), len(page.sentences)
    return (
        f"{page.name:40} {words:6} words {words / max(sentences, 1):5.1f} a sentence, "
        f"{page.long:4.0%} long, {page.passive:4.0%} passive, index {page.index:4.1f}"
    )


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is wrong, and with ``--table`` the figures; return 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="print a line for each page")
    parser.add_argument("--long", action="store_true", help="print the long sentences")
    parser.add_argument("--passive", action="store_true", help="print the passive sentences")
    parser.add_argument("page", nargs="*")
    options = parser.parse_args(arguments)
    failed = False
    everything: list[str] = []
    for page in pages(options.page):
        everything += page.prose
        if options.table:
            say(row(page))
        for sentence in page.sentences:
            if (options.long and len(sentence.split()) > LONG) or (options.passive and is_passive(sentence)):
                say(f"    {sentence}")
        for fault in faults(page):
            failed = True
            say(f"{page.name}: {fault}")
    if options.table:
        say(row(Page("all", everything)))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
