"""Write the reference pages that are made from the code: commands and errors.

``python docs/generate.py`` writes them, ``--check`` only says which ones are not up to date (exit status 1).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from jvs_core.cli.main import build
from jvs_core.errors import error_classes

REFERENCE = Path(__file__).parent / "reference"
_MADE = "<!-- Made by docs/generate.py; do not edit. -->"


def pages() -> dict[str, str]:
    """Return the generated pages by file name."""
    return {"cli.md": commands_page(), "errors.md": errors_page()}


def errors_page() -> str:
    """Return the page of all error codes."""
    rows = sorted(
        (error.exit_status, error.code, error.__name__, _first(error.__doc__)) for error in error_classes()
    )
    lines = [
        _MADE,
        "",
        "# Errors",
        "",
        "Codes are append-only and never renamed. In text mode an error is `jvs: CODE: what happened` and a hint on",
        'standard error; with `--json` it is `{"error": {"code", "message", "hint"}}` on standard output.',
        "",
        "| exit status | code | class in `jvs_core.errors` | meaning |",
        "|---|---|---|---|",
        *(f"| {status} | `{code}` | `{name}` | {meaning} |" for status, code, name, meaning in rows),
    ]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Return the page of all commands with their options."""
    lines = [_MADE, "", "# The `jvs` command", "", *_help(build(), "jvs")]
    return "\n".join(lines).rstrip() + "\n"


def _help(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    yield from (f"## `{context.command_path}`", "", "```text", command.get_help(context).rstrip(), "```", "")
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _help(found, child, context)


def _first(docstring: str | None) -> str:
    return (docstring or "").strip().splitlines()[0]


def main(arguments: list[str]) -> int:
    """Write or check the pages."""
    stale = [name for name, text in pages().items() if not _is_current(REFERENCE / name, text)]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is not up to date: run python docs/generate.py\n")
        return 1 if stale else 0
    for name in stale:
        (REFERENCE / name).write_text(pages()[name], encoding="utf-8")
    return 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
