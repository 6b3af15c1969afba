"""Naming snapshots, with an audit record for each change."""

from __future__ import annotations

from jvs_core.control import catalog, refs
from jvs_core.errors import InputError
from jvs_core.model import Ref
from jvs_core.operations.context import Context


def create(ctx: Context, name: str, snapshot_id: str, *, note: str) -> Ref:
    """Name a snapshot for good, durable. Raises NameInvalid, AlreadyExists, SnapshotExpired."""
    check_text(note, "note")
    with ctx.critical():
        catalog.require_kept(ctx.layout, snapshot_id)
        ref = refs.create(ctx.layout, name, snapshot_id, note=note, by=ctx.settings.holder_id)
        ctx.audit("ref_create", snapshot_id=snapshot_id, target=ref.name, reason=note or None)
    return ref


def delete(ctx: Context, name: str) -> Ref:
    """Delete a ref, durable, and return what it was. Raises RefNotFound, RefBroken."""
    with ctx.critical():
        ref = refs.delete(ctx.layout, name)
        ctx.audit("ref_delete", snapshot_id=ref.snapshot_id, target=ref.name)
    return ref


def check_text(text: str, what: str, *, longest: int = 65_536) -> str:
    """Return ``text`` if a record can carry it. Raises InputError."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"the {what} is not valid UTF-8") from error
    if len(text) > longest or "\0" in text:
        raise InputError(f"the {what} is longer than {longest} characters or holds a NUL")
    return text
