"""What JVS says itself, as prose: help texts, error messages, hints, findings and the documentation of its interface.

``texts()`` yields a name and its sentences. A message's values count as one word each.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from jvs_core.cli.main import build
from jvs_core.cli.plugins import EXTRAS
from jvs_core.operations.findings import kinds

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("jvs_core", "jvs_jupyter", "jvs_magics")
_SAYING = ("hint", "help", "short_help", "epilog")
_CALLS = ("echo", "warn", "warning", "note", "advise")


def texts() -> Iterator[tuple[str, list[str]]]:
    """Yield each kind of text with its paragraphs."""
    yield "help texts", list(_help(build(), "jvs"))
    yield "messages and hints", [text for path in _modules() for text in _messages(path)]
    yield (
        "findings of doctor",
        [part for kind in kinds().values() for part in (kind.meaning, kind.action) if part],
    )


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def _help(command: click.Command, name: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if not paragraph.lstrip().startswith("\b"):
            yield " ".join(paragraph.split())
    for parameter in command.params:
        yield " ".join((getattr(parameter, "help", None) or "").split())
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        more = EXTRAS if name == "jvs" else ()
        for child in [*command.list_commands(context), *more]:
            found = command.get_command(context, child)
            if found is not None:
                yield from _help(found, f"{name} {child}")


def _messages(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from (text for argument in node.exc.args for text in _literal(argument))
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in _CALLS:
                yield from (text for argument in node.args for text in _literal(argument))
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if keyword.arg in _SAYING:
                yield from _literal(keyword.value)


def _literal(node: ast.expr) -> Iterator[str]:
    """Yield the text of a literal; a value that is filled in is the word ``code``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "code" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _literal(node.body)
        yield from _literal(node.orelse)
    elif isinstance(node, ast.BinOp):
        yield " ".join(text for side in (node.left, node.right) for text in _literal(side))
