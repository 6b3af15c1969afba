"""Whether every link leads somewhere: ``python docs/links.py SITE``; ``make docs`` runs it on what it built.

In each page of the site every address inside it (``href``, ``src``, ``srcset``) must be a file of the site, and what follows ``#`` an id
in that page. In the Markdown files beside the documentation every relative link must be a file of the repository. Nothing is fetched.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


class Page(HTMLParser):
    """The addresses and the ids in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag refers to and how it is called."""
        for name, value in attrs:
            if value is None:
                continue
            if name in ("href", "src"):
                self.links.append(value)
            elif name == "srcset":
                self.links.extend(one.split()[0] for one in value.split(",") if one.strip())
            elif name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value)


@cache
def page(path: Path) -> Page:
    """Return what is in the page, read once."""
    return Page(path.read_text(encoding="utf-8"))


def broken(site: Path) -> Iterator[str]:
    """Yield each address in the site that leads nowhere, with its page."""
    for path in sorted(site.rglob("*.html")):
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = site / parts.path.lstrip("/") if parts.path.startswith("/") else path.parent / parts.path
            target = Path(unquote(str(target))) if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            name = path.relative_to(site)
            if not target.is_file():
                yield f"{name}: {link}: there is no such page or file"
            elif not parts.fragment or target.suffix != ".html":
                continue
            elif unquote(parts.fragment) not in page(target).ids:
                yield f"{name}: {link}: there is no such place in the page"


def astray() -> Iterator[str]:
    """Yield each relative link of the Markdown files at the top that is no file of the repository."""
    for path in sorted(ROOT.glob("*.md")):
        for link in _LINK.findall(_CODE.sub("", path.read_text(encoding="utf-8"))):
            parts = urlsplit(link)
            if not parts.scheme and parts.path and not (ROOT / parts.path).exists():
                yield f"{path.name}: {link}: there is no such file"


def main() -> int:
    """Print what leads nowhere; 1 if anything does."""
    site = Path(sys.argv[1])
    found = [*broken(site), *astray()]
    for line in found:
        sys.stdout.write(f"{line}\n")
    pages = sum(1 for _ in site.rglob("*.html"))
    if not found:
        sys.stdout.write(f"links: all of {pages} pages lead somewhere\n")
    return int(bool(found) or not pages)


if __name__ == "__main__":
    sys.exit(main())
