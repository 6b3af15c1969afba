"""Differences of bytes, for the tests."""

from __future__ import annotations

from typing import TypeVar

from jvs_core.differences.bounds import Bounds
from jvs_core.differences.inside import difference
from jvs_core.differences.model import Difference
from jvs_core.differences.version import given

D = TypeVar("D")


def changed(
    path: str,
    old: bytes | str | None,
    new: bytes | str | None,
    *,
    everything: bool = False,
    bounds: Bounds | None = None,
) -> Difference:
    """Return how a file of this name differs when its content does."""
    one, other = (
        None if content is None else given(content.encode() if isinstance(content, str) else content)
        for content in (old, new)
    )
    return difference(
        path,
        one,
        other,
        change="added" if one is None else "removed" if other is None else "modified",
        everything=everything,
        bounds=bounds,
    )


def detail(found: Difference, kind: type[D]) -> D:
    """Return the detail of a difference, which is of this kind."""
    assert isinstance(found.detail, kind), (found.detail, found.stopped)
    return found.detail
