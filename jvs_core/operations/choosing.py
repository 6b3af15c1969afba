"""Choosing some of the changed paths, by names and patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from jvs_core.operations.inplace.several import matches
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree.entry import is_below

_GLOB = re.compile(r"[*?\[]")
Pairs = list[tuple[bytes, bytes]]


def chosen(wanted: Sequence[str], changes: Changes, moved: Pairs) -> tuple[Changes, Pairs]:
    """Return the changes, and the pairs of old and new path, that ``wanted`` names: a path, what lies below it, a pattern.

    ``*`` and ``?`` stay within one folder, ``**`` goes through any number of them. A file that moved is chosen by either
    path. Raises PathEscape.
    """
    tests = [_test(text) for text in wanted]

    def is_meant(path: bytes) -> bool:
        plain = path.rstrip(b"/")
        return any(test(plain) for test in tests)

    kept = (
        [path for path in paths if is_meant(path)]
        for paths in (changes.added, changes.modified, changes.removed)
    )
    return Changes(*kept), [pair for pair in moved if is_meant(pair[0]) or is_meant(pair[1])]


def _test(text: str) -> Callable[[bytes], bool]:
    inner = payload_path(text)
    if not inner:
        return lambda path: True
    patterns = os.fsdecode(inner).split("/") if _GLOB.search(text) else None

    def test(path: bytes) -> bool:
        if is_below(path, inner):
            return True
        return patterns is not None and matches(os.fsdecode(path).split("/"), patterns)

    return test
