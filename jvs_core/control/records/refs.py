"""Refs: immutable names for snapshots."""

from __future__ import annotations

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.control.names import check_ref_name
from jvs_core.control.records.register import Register
from jvs_core.errors import AlreadyExists, RefBroken, RefNotFound
from jvs_core.model import NAME, Ref

REFS = Register("refs", Ref, "name", NAME, "ref {!r}", replaced=True, damaged=RefBroken)


def create(layout: Layout, name: str, snapshot_id: str, *, note: str, by: str) -> Ref:
    """Create a ref, durable; in the critical section. Raises NameInvalid, or AlreadyExists: a ref never moves."""
    name = check_ref_name(name)
    ref = Ref(name=name, snapshot_id=snapshot_id, note=note, created_at=clock.timestamp(), created_by=by)
    try:
        REFS.create(layout, ref)
    except AlreadyExists as error:
        raise AlreadyExists(
            f"ref {name!r} already exists", hint=f"choose another name, or: jvs ref delete {name}"
        ) from error
    return ref


def get(layout: Layout, name: str) -> Ref:
    """Return the ref called ``name``. Raises RefNotFound, RefBroken."""
    ref = REFS.find(layout, name)
    if ref is None:
        raise RefNotFound(f"no ref {name!r}", hint="jvs ref list")
    return ref


def delete(layout: Layout, name: str) -> Ref:
    """Delete a ref, durable, and return what it was; in the critical section. Raises RefNotFound, RefBroken."""
    ref = get(layout, name)
    REFS.remove(layout, name)
    return ref
