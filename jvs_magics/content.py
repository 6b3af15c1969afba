"""Answers that hold content: a file of a snapshot, and the cells executed on the way to one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe, size
from jvs_magics import html
from jvs_magics.answers import Answer

IMAGES = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "gif": "gif", "webp": "webp"}
_LINES = 200
_LARGEST_IMAGE = 4_000_000


class FileContent(Answer):
    """A file of a snapshot: ``content`` are its bytes, ``text`` the same as UTF-8."""

    about_history = False

    def __init__(self, outcome: Outcome, *, coloured: bool = False, notes: Sequence[str] = ()) -> None:
        if outcome.stream is None:
            raise TypeError("the outcome holds no file")
        with outcome.stream as stream:
            self.content = stream.read()
        self.path: str = outcome.value.path
        self.sha256: str = outcome.value.stream.sha256
        super().__init__(Outcome(outcome.value), coloured=coloured, notes=notes)

    @property
    def text(self) -> str:
        """The content as text; bytes that are not UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")

    def to_json(self) -> dict[str, Any]:
        """Return path and content, as ``--json`` does."""
        return {
            "path": self.path,
            "size": len(self.content),
            "sha256": self.sha256,
            "content_base64": base64.b64encode(self.content).decode(),
        }

    def _text(self) -> str:
        return "\n".join(map(safe, preview(self.content)))

    def _html(self) -> str:
        return file_html(self.path, self.content)


class ExecutedCells(Answer):
    """The cells that a kernel executed on the way to a snapshot; ``notebook`` is the nbformat document."""

    def _html(self) -> str:
        parts = []
        for cell in self._value.notebook["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                outcome = cell["metadata"].get("jvs", {}).get("outcome", "")
                label = html.span("bad", outcome) if outcome not in ("ok", "running", "") else ""
                parts.append(html.line(html.span("dim", f"In [{cell['execution_count']}]:"), label))
                parts.append(f"<pre>{chr(10).join(map(html.text, source.splitlines()))}</pre>")
            else:
                parts.append(html.line(html.lines(source), style="dim"))
        return "".join(parts)


def preview(content: bytes) -> list[str]:
    """Return the first lines of a text; of anything else its size."""
    if b"\0" in content[:8192]:
        return [f"(binary, {size(len(content))})"]
    lines = content[: _LINES * 1000].decode("utf-8", "replace").splitlines()
    more = len(lines) > _LINES or len(content) > _LINES * 1000
    return [*lines[:_LINES], *([f"… ({size(len(content))} in all)"] if more else [])]


def file_html(path: str, content: bytes) -> str:
    """Return an image as one, anything else as the lines of its preview."""
    kind = IMAGES.get(path.rpartition(".")[2].lower())
    if kind is not None and len(content) <= _LARGEST_IMAGE:
        data = base64.b64encode(content).decode()
        return f'<img alt="{html.text(path)}" style="max-width:100%" src="data:image/{kind};base64,{data}">'
    return f"<pre>{chr(10).join(map(html.text, preview(content)))}</pre>"
