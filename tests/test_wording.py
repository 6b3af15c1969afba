"""Words that people read: numbers of things have one mechanism, so that nothing says \"1 files\"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import jvs_core
import jvs_jupyter
import jvs_magics
from jvs_core.wording import counted

PACKAGES = [Path(str(package.__file__)).parent for package in (jvs_core, jvs_jupyter, jvs_magics)]
_NUMBER = re.compile(
    r"len\(|\b(count|total|days|hours|size|files|entries|records|passed|left|more|restored|skipped)\b(?!\()"
)
_PLURAL = re.compile(r" (more )?(?!(is|was|has|does|its|this|bytes)\b)[a-z]+s\b")


def counts() -> Iterator[str]:
    """Yield what puts a number before a plural by hand, as ``file:line: text``."""
    for package in PACKAGES:
        for path in package.rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.JoinedStr):
                    yield from (f"{path.name}:{node.lineno}: {text}" for text in _by_hand(node))


def _by_hand(node: ast.JoinedStr) -> Iterator[str]:
    for value, text in zip(node.values, node.values[1:], strict=False):
        if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
            continue
        expression = ast.unparse(value.value)
        if "counted(" not in expression and _NUMBER.search(expression) and _PLURAL.match(str(text.value)):
            yield f"{{{expression}}}{text.value!s}"


def test_no_number_stands_before_a_plural_by_hand() -> None:
    assert list(counts()) == []


@pytest.mark.parametrize(
    ("count", "words", "expected"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("path is", "paths are"), "2 paths are"),
        (12345, ("file",), "12,345 files"),
    ],
)
def test_one_is_one_and_more_are_many(count: int, words: tuple[str, ...], expected: str) -> None:
    assert counted(count, *words) == expected
