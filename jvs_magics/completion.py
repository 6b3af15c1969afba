"""Completion of ``%jvs`` lines, in terminals and in kernels, from the parser and the repository."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from jvs_magics.kernel import Kernel

_LINE = re.compile(r"^\s*(?:[\w.,\[\]'\" ]+=\s*)?(%%?)jvs\s(.*)$", re.DOTALL)
_AWKWARD = re.compile(r"[\s\"'\\$`]")
_LONGEST_HINT = 60


def complete_line(magics: Kernel) -> Callable[[Any], Any]:
    """Return the matcher for the shell's completer. It completes from nothing where the repository cannot be read."""

    def jvs_matcher(context: Any) -> Any:
        found = _LINE.match(context.text_until_cursor)
        if found is None or (context.cursor_line != 0 and found[1] == "%%"):
            return {"completions": []}
        prefix = ["snapshot"] if found[1] == "%%" else []
        items = _items(magics, prefix, found[2], context.token)
        return {"completions": items, "suppress": bool(items), "ordered": True}

    jvs_matcher.jvs_magics = magics  # type: ignore[attr-defined]  # what it belongs to, for unloading
    matcher: Callable[[Any], Any] = context_matcher()(jvs_matcher)
    return matcher


def _items(magics: Kernel, prefix: list[str], text: str, token: str) -> list[SimpleCompletion]:
    from jvs_core.cli.main import complete
    from jvs_magics.call import COMMANDS

    try:
        words = shlex.split(text)
    except ValueError:
        return []
    incomplete = "" if not text or text[-1].isspace() else words.pop() if words else ""
    context = [*_context(magics), *prefix, *words]
    # The shell replaces its own token: the end of the word when it breaks words elsewhere.
    cut = len(incomplete) - len(token) if incomplete.endswith(token) else 0
    return [
        SimpleCompletion(text=item.value[cut:], type=_hint(item.help))
        for item in complete(context, incomplete, more=COMMANDS)
        if item.type == "plain" and not _AWKWARD.search(item.value)
    ]


def _context(magics: Kernel) -> list[str]:
    options = (("--repo", magics.repo), ("--worktree", magics.worktree))
    return [part for name, value in options if value for part in (name, value)]


def _hint(text: str | None) -> str:
    if not text:
        return "jvs"
    return text if len(text) <= _LONGEST_HINT else text[: _LONGEST_HINT - 1] + "…"
