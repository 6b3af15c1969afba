"""The manual pages, from the same commands as the reference: one page a command, with its subcommands.

click-man, the library for this, reads ``Group.commands``, which is empty where commands are imported when they are named.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from jvs_core.cli.main import build
from jvs_core.cli.plugins import EXTRAS
from jvs_core.errors import error_classes
from jvs_core.version import __version__

_MADE = '.\\" Made by docs/generate.py; do not edit.'


def manual_pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    root = build()
    top = click.Context(root, info_name="jvs")
    names = [*root.list_commands(top), *EXTRAS]
    made = {"jvs.1": _page(_root_lines(root, top, names))}
    for name in names:
        command = root.get_command(top, name)
        if command is None:
            raise LookupError(f"jvs {name} is not there: install all extras")
        made[f"jvs-{name}.1"] = _page(_command_lines(command, name, top))
    return made


def _page(lines: Iterator[str]) -> str:
    return "\n".join([_MADE, *lines]) + "\n"


def _root_lines(root: click.Group, top: click.Context, names: list[str]) -> Iterator[str]:
    yield from _head("jvs", "version whole workspaces")
    yield from (".SH SYNOPSIS", ".B jvs", _escaped("[OPTIONS] COMMAND ..."))
    yield from (".SH DESCRIPTION", *_prose(root.help or ""))
    yield from (".SH OPTIONS", "Every command takes these, before or after its name.", *_options(root, top))
    yield ".SH COMMANDS"
    for name in names:
        command = root.get_command(top, name)
        line = EXTRAS[name][1] if name in EXTRAS else command.get_short_help_str(200) if command else ""
        yield from (".TP", f".BR jvs\\-{_escaped(name)} (1)", _escaped(line))
    yield ".SH EXIT STATUS"
    yield from (".TP", "0", "Done.")
    codes: dict[int, list[str]] = {}
    for error in error_classes():
        codes.setdefault(error.exit_status, []).append(error.code)
    for status, found in sorted(codes.items()):
        yield from (".TP", str(status), _escaped(", ".join(sorted(set(found))) + "."))
    yield from (".TP", "128 + N", "Ended by signal N, as in a shell.")


def _command_lines(command: click.Command, name: str, top: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=top)
    yield from _head(f"jvs-{name}", _lowered(command.get_short_help_str(200)))
    yield from (".SH SYNOPSIS", *_usage(command, context), ".SH DESCRIPTION", *_prose(command.help or ""))
    options = list(_options(command, context))
    if options:
        yield from (".SH OPTIONS", *options)
    subcommands = list(_subcommands(command, context))
    if subcommands:
        yield from (".SH COMMANDS", *subcommands)
    yield from (
        ".SH SEE ALSO",
        ".BR jvs (1)",
        ".PP",
        "It has the options that every command takes, and the exit statuses.",
    )


def _subcommands(command: click.Command, context: click.Context) -> Iterator[str]:
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None:
            below = click.Context(child, info_name=name, parent=context)
            yield from (f'.SS "{_escaped(below.command_path)}"', *_usage(child, below), ".PP")
            yield from (*_prose(child.help or ""), *_options(child, below), *_subcommands(child, below))


def _head(name: str, line: str) -> Iterator[str]:
    yield f'.TH "{_escaped(name.upper())}" "1" "{_released()}" "JVS {__version__}" "JVS"'
    yield from (".SH NAME", f"{_escaped(name)} \\- {_escaped(line.rstrip('.'))}")


def _released() -> str:
    """Return the day of this version, as the changelog has it."""
    changes = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(__version__)}\] - (\S+)$", changes, re.MULTILINE)
    return found[1] if found else ""


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from (f'.B "{_escaped(context.command_path)}"', _escaped(pieces))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1] and (parameter.name != "help" or context.parent is None):
            yield from (".TP", f'.B "{_escaped(record[0])}"', _escaped(" ".join(record[1].split())))


def _prose(text: str) -> Iterator[str]:
    """Yield paragraphs; one that begins with click's mark for it is kept line by line."""
    first = True
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        kept, lines = (
            paragraph.lstrip().startswith("\b"),
            paragraph.replace("\b", "").strip("\n").splitlines(),
        )
        lines = [line for line in lines if line.strip()]
        if not lines:
            continue
        if not first:
            yield ".PP"
        if kept:
            yield from (".nf", *(_escaped(line) for line in lines), ".fi")
        else:
            yield from (_escaped(" ".join(line.strip() for line in lines)),)
        first = False


def _escaped(text: str) -> str:
    """Return text as roff reads it literally, in a line of its own or within double quotes."""
    written = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq")
    return f"\\&{written}" if written.startswith(".") else written


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
