"""Leases as they lie on disk: the file ``locks/<worktree_id>/<token>`` each, and which names in the folder are none.

A new token is one above the highest that was given or published. So a number that is far above all of those, and
whose file holds no lease of that number, or that leaves no room above it, was never given; it neither ends the count nor supersedes anybody. One that
is near may be a lease that is being written, or that a crash left empty: it counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from jvs_core import files
from jvs_core.control.layout import Layout
from jvs_core.control.lock import slots
from jvs_core.errors import DescriptorCorrupt
from jvs_core.model import LeaseRecord

LAST_TOKEN = 2**53 - 2
_FAR = 1 << 32
_SETTLED_S = 24 * 3600.0


def tokens(layout: Layout, worktree_id: str, *, above: int = 0) -> list[int]:
    """Return the fencing tokens ever given for a worktree, as far as their files remain, lowest first.

    ``above`` is a token that is known to have been given. Raises PathEscape, DescriptorCorrupt when the folder is none.
    """
    return _given(layout, worktree_id, layout.listing(layout.locks(worktree_id)), above)


def strays(layout: Layout, worktree_id: str) -> list[str]:
    """Return the names in the folder of a worktree's leases that are not lease files, sorted."""
    names = layout.listing(layout.locks(worktree_id))
    return sorted(set(names) - {str(token) for token in _given(layout, worktree_id, names, 0)})


def read(layout: Layout, worktree_id: str, token: int) -> LeaseRecord:
    """Return a lease's record. Raises FileNotFoundError, DescriptorCorrupt."""
    path = layout.locks(worktree_id) / str(token)
    return validated(slots.read(path), path.name)


def validated(value: dict[str, Any], name: str) -> LeaseRecord:
    """Return the record that the file ``name`` holds. Raises DescriptorCorrupt."""
    return LeaseRecord.parse(json.dumps(value).encode(), f"lock {name}")


def remove_superseded(layout: Layout, worktree_id: str, *, kept: int = 1) -> list[int]:
    """Remove the lease files but the ``kept`` highest, at least one, and return their tokens.

    Whoever holds a number then still finds its own file beside the one that superseded it. Not synced: what comes back
    after a power cut is superseded all the same.
    """
    old = tokens(layout, worktree_id)[: -max(kept, 1)]
    for token in old:
        with suppress(OSError):
            files.unlink(layout.locks(worktree_id) / str(token))
    return old


def remove_strays(layout: Layout, worktree_id: str) -> list[str]:
    """Remove what is not a lease file and was not touched for a day, and return the names."""
    removed = []
    for name in strays(layout, worktree_id):
        path = layout.locks(worktree_id) / name
        if files.status(path).st_mtime < time.time() - _SETTLED_S:
            files.remove_any(path)
            removed.append(name)
    return removed


def remove_all(layout: Layout, worktree_id: str) -> None:
    """Remove the leases of a worktree that is gone, and whatever else lies among them; not durable: nobody asks for them."""
    files.remove_any(layout.locks(worktree_id), durable=False)


def _given(layout: Layout, worktree_id: str, names: Iterable[str], above: int) -> list[int]:
    given: list[int] = []
    for token in sorted(int(name) for name in names if _is_number(name)):
        if token <= above + _FAR or (
            token < LAST_TOKEN - _FAR and _is_lease(layout, worktree_id, token)
        ):  # one that leaves no room above it was planted
            given.append(token)
            above = max(above, token)
    return given


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and name[0] != "0" and int(name) <= LAST_TOKEN


def _is_lease(layout: Layout, worktree_id: str, token: int) -> bool:
    try:
        record = read(layout, worktree_id, token)
    except (FileNotFoundError, DescriptorCorrupt):
        return False
    return (record.fencing_token, record.worktree_id) == (token, worktree_id)
