"""What the scripts ask for: the candidates, a line each, in a form that each shell reads without evaluating anything.

A candidate with a character that drives a terminal or ends a line is not offered. Nothing is ever said on stderr, for a
prompt stands there; a repository that cannot be read offers nothing.
"""

from __future__ import annotations

import os
from importlib import resources
from typing import Any

from click.shell_completion import CompletionItem, ShellComplete

from jvs_core.cli.completion.line import Line
from jvs_core.cli.text import UNSAFE, first_line

VARIABLE = "_JVS_COMPLETE"
_LINE = "_JVS_LINE"
_WORD = "_JVS_WORD"
_NOTES = "_JVS_NOTES"
_LONGEST_NOTE = 60
_FILES = ("file", "dir")


class _Shell(ShellComplete):
    """One shell: ``_JVS_LINE`` is the line up to the cursor, and each answer a line, first ``file`` or ``dir`` if any."""

    source_template = ""

    def source(self) -> str:
        """Return the script."""
        return script(self.name)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words after the command, and the one to complete."""
        self._line = Line.read(os.environ.get(_LINE, ""))
        return self._line.words[1:], self._line.incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return what can be offered safely; after ``--``, where another command stands, files."""
        if "--" in args:
            return [CompletionItem(incomplete, type="file")]
        option, equals, _ = incomplete.partition("=")
        found = super().get_completions(args, incomplete)
        if equals and option.startswith("-"):
            for item in found:
                item.value = f"{option}={item.value}"
        return [item for item in found if not UNSAFE.search(item.value) and _encodable(item.value)]

    def complete(self) -> str:
        """Return the answer. A failure, of whatever kind, offers nothing: the command itself tells it when it is run."""
        try:
            return super().complete()
        except Exception:  # noqa: BLE001 - a traceback would stand in somebody's prompt
            return ""


class Bash(_Shell):
    """Values are quoted here, and cut to the part after the character where bash breaks words (``:``, ``=``, ``@``)."""

    name = "bash"

    def format_completion(self, item: CompletionItem) -> str:
        """Return the text that replaces bash's word; with notes, where a list is shown and nothing inserted."""
        if item.type in _FILES:
            return f"{item.type}\t"
        text = self._line.quoted(item.value)[len(self._before()) :]
        note = _note(item) if os.environ.get(_NOTES) else ""
        return f"plain\t{text}  ({note})" if note else f"plain\t{text}"

    def _before(self) -> str:
        word = os.environ.get(_WORD, "").lstrip("'\"")
        typed = self._line.quoted(self._line.incomplete)
        if not word.strip(":=@"):
            return typed
        if not typed.endswith(word):  # quoted otherwise than by us
            return ""
        # Where the word begins with what we quote and bash did not, that is replaced too.
        return typed.removesuffix(word).removesuffix("\\")


class Zsh(_Shell):
    """Values are as they are: ``compadd`` quotes them."""

    name = "zsh"

    def format_completion(self, item: CompletionItem) -> str:
        """Return type, value and note."""
        return f"{item.type}\t{item.value}\t{_note(item)}"


class Fish(_Shell):
    """Values are as they are: fish quotes them, and shows the note beside them."""

    name = "fish"

    def format_completion(self, item: CompletionItem) -> str:
        """Return value and note, as fish's ``complete`` reads them."""
        return item.type if item.type in _FILES else f"{item.value}\t{_note(item)}"


SHELLS: dict[str, type[_Shell]] = {shell.name: shell for shell in (Bash, Zsh, Fish)}


def script(shell: str) -> str:
    """Return the script that makes ``shell`` complete."""
    return resources.files(__package__).joinpath(f"jvs.{shell}").read_text(encoding="utf-8")


def answer(instruction: str, tree: Any, settings: dict[str, Any]) -> int:
    """Print what ``_JVS_COMPLETE`` asks for, ``SHELL_complete`` or ``SHELL_source``; return the exit status."""
    shell, _, what = instruction.partition("_")
    if shell not in SHELLS or what not in ("complete", "source"):
        return 1
    asked = SHELLS[shell](tree, settings, "jvs", VARIABLE)
    text = asked.complete() if what == "complete" else asked.source()
    try:
        os.write(1, f"{text}\n".encode(errors="replace"))
    except OSError:
        return 1
    return 0


def _note(item: CompletionItem) -> str:
    text = first_line(item.help or "")
    return text if len(text) <= _LONGEST_NOTE else text[: _LONGEST_NOTE - 1] + "…"


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8: a shell could not give them back
        return False
    return True
