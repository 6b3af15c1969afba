"""Snapshots by when they were taken, ``@yesterday``, and by their tag, ``tag:NAME``, on the lineage of a worktree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation
from jvs_core.errors import DescriptorCorrupt, InputError, SnapshotNotFound
from jvs_core.model import Descriptor
from jvs_core.operations import moments

AT, TAG = "@", "tag:"
_MONTHS = re.compile(r"\dm(?:\b|\d)", re.ASCII)


def select(layout: Layout, text: str, head: str | None, worktree: str) -> str:
    """Return the newest snapshot up to ``head`` that was taken at a time or before it, or that has a tag.

    Newest by the lineage, whatever the clocks said: the search goes from the head back, and passes over what says that it
    was taken later, as one from the future does. By time it also passes over snapshots whose payload retention removed,
    since there is nothing to go back to. By tag it does not, for an older one with that tag is another state; tags are
    those that edits left. Raises SnapshotNotFound with the oldest
    one in the hint, also for what is no time; DescriptorCorrupt where a descriptor on the way is not to be believed.
    """
    if head is None:
        raise SnapshotNotFound(
            f"{text!r}: worktree {worktree} has no snapshot yet", hint="jvs snapshot --lock"
        )
    if text.startswith(TAG):
        return _tagged(layout, text.removeprefix(TAG), head, worktree)
    return _at(layout, text, head, worktree)


def _at(layout: Layout, text: str, head: str, worktree: str) -> str:
    try:
        until_ms = moments.moment(text.removeprefix(AT), end=True)
    except InputError as error:
        raise SnapshotNotFound(f"no snapshot {text!r}: {error.message}", hint=error.hint) from error
    oldest: Descriptor | None = None
    is_any_gone = False
    for descriptor in _believed(layout, head):
        if catalog.is_expired(layout, descriptor.snapshot_id):
            is_any_gone = True
            continue
        if clock.parse(descriptor.created_at) <= until_ms:
            return descriptor.snapshot_id
        oldest = descriptor
    whole = " that still has its files" if is_any_gone else ""
    hint = f"the oldest is {oldest.snapshot_id}, taken at {oldest.created_at}" if oldest else "jvs history"
    if _MONTHS.search(text):
        hint += "; m is a month, min a minute"
    raise SnapshotNotFound(
        f"no snapshot of worktree {worktree}{whole} was taken at or before {_shown(until_ms)} ({text!r})",
        hint=hint,
    )


def _tagged(layout: Layout, tag: str, head: str, worktree: str) -> str:
    edited = set(annotation.ids(layout))
    oldest = head
    for descriptor in _believed(layout, head):
        if tag in catalog.shown(layout, descriptor, edited).tags:
            return descriptor.snapshot_id
        oldest = descriptor.snapshot_id
    raise SnapshotNotFound(
        f"no snapshot of worktree {worktree} has the tag {tag!r}, back to the oldest one, {oldest}",
        hint="jvs history shows tags; with --all it shows all worktrees",
    )


def _believed(layout: Layout, head: str) -> Iterator[Descriptor]:
    for descriptor in catalog.lineage(layout, head):
        if descriptor.integrity_state == "corrupt":
            raise DescriptorCorrupt(
                f"the descriptor of {descriptor.snapshot_id} does not match its checksum: JVS does not trust its time and tags",
                hint=f"give the id of a snapshot (jvs history), and run: jvs verify {descriptor.snapshot_id}",
            )
        yield descriptor


def _shown(ms: int) -> str:
    try:
        return clock.timestamp(ms)
    except (OverflowError, ValueError, OSError):
        return "that time"
