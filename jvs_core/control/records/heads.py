"""Heads: which snapshot each worktree stands at. Two writers cannot both move a head: each writes the next number.

A head is the file ``worktrees/<name>/heads/<number>``. Whoever moves it creates the next number exclusively; the highest
number counts, and nothing is renamed over. Of two writers that saw the same head one wins. The other gets FencingMismatch,
however long it slept between its check and its write.
"""

from __future__ import annotations

import re
from contextlib import suppress

from jvs_core import canonical, files, regular
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, FencingMismatch
from jvs_core.model import LARGEST, Head

KEPT = 2
# No worktree comes to it; what is above was planted, and leaves room to say so.
LAST = LARGEST - 2**32
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
_LOOKS = 5


def numbers(layout: Layout, name: str) -> list[int]:
    """Return the numbers of a worktree's heads that are there, lowest first."""
    return sorted(int(each) for each in layout.listing(layout.heads(name)) if _NUMBER.fullmatch(each))


def read(layout: Layout, name: str, worktree_id: str) -> Head:
    """Return the head of worktree ``name``: the record with the highest number.

    Raises DescriptorCorrupt when there is none, it cannot be read, or it speaks of another number or worktree.
    """
    for _ in range(_LOOKS):
        there = numbers(layout, name)
        if not there:
            break
        try:
            return _parse(layout, name, there[-1], worktree_id)
        except FileNotFoundError:  # two newer ones were made since the listing
            continue
    raise DescriptorCorrupt(f"worktree {name!r} has no head", hint="jvs doctor")


def encode(head: Head) -> bytes:
    """Return the bytes of a head's file."""
    return canonical.dumps(head.to_json()) + b"\n"


def advance(layout: Layout, name: str, head: Head) -> None:
    """Make ``head`` the head of worktree ``name``, durable; in the critical section.

    Its number is one above that of the head which the caller saw. A crash leaves the old or the new head. Raises
    FencingMismatch when somebody else moved the head since.
    """
    critical.require(layout.repository_lock)
    place = layout.heads(name) / str(head.number)
    try:
        files.create_atomic(place, encode(head), mode=layout.file_mode)
    except AlreadyExists as error:
        raise _moved(name) from error
    if numbers(layout, name)[-1] != head.number:  # so many newer ones that this number was free again
        with suppress(OSError):
            files.unlink(place)
        raise _moved(name)
    for old in numbers(layout, name)[:-KEPT]:
        with suppress(OSError):
            files.unlink(layout.heads(name) / str(old))


def withdraw(layout: Layout, name: str, above: int) -> None:
    """Remove the heads of worktree ``name`` with a number ``above`` that of the log's; in the critical section."""
    critical.require(layout.repository_lock)
    for number in numbers(layout, name):
        if number > above:
            files.unlink(layout.heads(name) / str(number))


def put_back(layout: Layout, name: str, head: Head) -> None:
    """Write the head that the log has, where none is left; in the critical section."""
    critical.require(layout.repository_lock)
    files.make_folder(layout.heads(name), mode=layout.folder_mode, exist_ok=True)
    files.create_atomic(layout.heads(name) / str(head.number), encode(head), mode=layout.file_mode)


def _moved(name: str) -> FencingMismatch:
    return FencingMismatch(
        f"the head of worktree {name!r} was moved by somebody else in the meantime; JVS published nothing",
        hint="check jvs history, then run the command again",
    )


def _parse(layout: Layout, name: str, number: int, worktree_id: str) -> Head:
    called = f"head {number} of worktree {name!r}"
    data = regular.read_regular(layout.heads(name) / str(number), most=regular.LONGEST_PLAIN)
    head = Head.parse(data, called)
    if head.fencing_token is not None and head.fencing_token >= LAST:
        raise DescriptorCorrupt(f"{called} has a fencing token that JVS never gave", hint="jvs doctor")
    if head.number != number or head.worktree_id != worktree_id:
        raise DescriptorCorrupt(f"{called} names another head", hint="jvs doctor")
    return head
