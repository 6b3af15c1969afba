"""Editing the notes and tags of snapshots afterwards; descriptors never change."""

from __future__ import annotations

from collections.abc import Sequence

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.records import annotation
from jvs_core.errors import InputError
from jvs_core.interrupts import uninterrupted
from jvs_core.model import AnnotatedDescriptor, Annotation
from jvs_core.operations.context import Context
from jvs_core.operations.refs import check_tag, check_text

ANNOTATE = "annotate"


def annotate(
    ctx: Context, snapshot_id: str, *, note: str | None, add: Sequence[str], remove: Sequence[str]
) -> AnnotatedDescriptor:
    """Edit a snapshot's note and tags, durable, and return its descriptor as it is shown from now on.

    Raises InputError, also when there is nothing to change, SnapshotExpired, SnapshotNotFound, DescriptorCorrupt.
    """
    _check(note, add, remove)
    with uninterrupted(), ctx.critical():
        catalog.require_kept(ctx.layout, snapshot_id)
        original = catalog.read(ctx.layout, snapshot_id)
        before = annotation.read(ctx.layout, snapshot_id)
        edit = _edit(ctx, AnnotatedDescriptor.of(original, before), note, add, remove)
        with annotation.written(ctx.layout, edit) as digest:
            # The log first: where a crash comes in between, doctor writes what it says.
            ctx.audit(
                ANNOTATE,
                snapshot_id=snapshot_id,
                target=snapshot_id,
                details={"annotation": edit.to_json(), "record_sha256": digest},
            )
    return AnnotatedDescriptor.of(original, [*before, edit])


def _check(note: str | None, add: Sequence[str], remove: Sequence[str]) -> None:
    if note is None and not add and not remove:
        raise InputError("nothing to change", hint="give a note, or tags to add or to remove")
    if note is not None:
        check_text(note, "note")
    for tag in (*add, *remove):
        check_tag(tag)
    both = sorted(set(add).intersection(remove))
    if both:
        raise InputError(f"you cannot add and remove the same tag: {both[0]!r}")


def _edit(
    ctx: Context, shown: AnnotatedDescriptor, note: str | None, add: Sequence[str], remove: Sequence[str]
) -> Annotation:
    """Return the annotation that gives a snapshot the note and tags asked for. Raises InputError where it has them already."""
    edit = Annotation(
        number=annotation.next_number(ctx.layout, shown.snapshot_id),
        snapshot_id=shown.snapshot_id,
        note=None if note == shown.note else note,
        added_tags=tuple(tag for tag in dict.fromkeys(add) if tag not in shown.tags),
        removed_tags=tuple(tag for tag in dict.fromkeys(remove) if tag in shown.tags),
        created_at=clock.timestamp(),
        created_by=ctx.settings.holder_id,
    )
    if edit.note is None and not edit.added_tags and not edit.removed_tags:
        raise InputError(
            f"nothing to change: snapshot {shown.snapshot_id} already has that note and those tags",
            hint=f"jvs show {shown.snapshot_id}",
        )
    return edit
