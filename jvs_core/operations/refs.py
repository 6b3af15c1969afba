"""Naming snapshots, with an audit record for each change."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from jvs_core.control import catalog
from jvs_core.control.names import check_ref_name
from jvs_core.control.records import journal, refs
from jvs_core.errors import InputError, JvsError, RefNotFound
from jvs_core.interrupts import uninterrupted
from jvs_core.model import LONGEST_TAG, LONGEST_TEXT, Intent, Ref

if TYPE_CHECKING:
    from jvs_core.operations.context import Context

CREATE = "ref_create"
DELETE = "ref_delete"


def create(ctx: Context, name: str, snapshot_id: str, *, note: str) -> Ref:
    """Name a snapshot for good, durable. Raises NameInvalid, AlreadyExists, SnapshotExpired.

    A crash leaves an intent from which ``doctor`` brings the log up to the refs.
    """
    check_text(note, "note")
    check_ref_name(name)
    with uninterrupted(), ctx.critical():
        catalog.require_kept(ctx.layout, snapshot_id)
        intent = ctx.begin(CREATE, ref=name)
        try:
            ref = refs.create(ctx.layout, name, snapshot_id, note=note, by=ctx.settings.holder_id)
        except BaseException:
            with suppress(OSError, JvsError):  # else it is left to the doctor
                reconcile(ctx, intent)
                journal.complete(ctx.layout, intent)
            raise
        ctx.audit(CREATE, snapshot_id=snapshot_id, target=ref.name, reason=note or None)
        journal.complete(ctx.layout, intent)
    return ref


def delete(ctx: Context, name: str) -> Ref:
    """Delete a ref, durable, and return what it was; of a lost one, what the log says. Raises RefNotFound, RefBroken.

    A crash leaves an intent from which ``doctor`` brings the log up to the refs.
    """
    from jvs_core.operations.log import lost  # it knows every kind of finding

    with uninterrupted(), ctx.critical():
        try:
            ref = refs.get(ctx.layout, name)
        except RefNotFound:
            logged = lost.ref(ctx.layout, name)
            if logged is None:
                raise
            ctx.audit(DELETE, snapshot_id=logged.snapshot_id, target=logged.name, details={"lost": True})
            return logged
        intent = ctx.begin(DELETE, ref=name)
        refs.delete(ctx.layout, name)
        ctx.audit(DELETE, snapshot_id=ref.snapshot_id, target=ref.name)
        journal.complete(ctx.layout, intent)
    return ref


def reconcile(ctx: Context, intent: Intent) -> None:
    """Record what an interrupted change of a ref did, if anything; the caller holds the critical section."""
    name = str(intent.details["ref"])
    from jvs_core.control.audit import ledger

    logged = ledger.read(ctx.layout).refs.get(name)
    present = refs.REFS.find(ctx.layout, name)
    if present is not None and logged is None:
        ctx.audit(
            CREATE,
            snapshot_id=present.snapshot_id,
            target=name,
            reason=present.note or None,
            details={"recovered": True},
        )
    elif present is None and logged is not None:
        ctx.audit(DELETE, snapshot_id=logged, target=name, details={"recovered": True})


def check_text(text: str, what: str, *, longest: int = LONGEST_TEXT) -> str:
    """Return ``text`` if a record can carry it. Raises InputError."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"the {what} is not valid UTF-8") from error
    if len(text) > longest or "\0" in text:
        raise InputError(f"the {what} is longer than {longest} characters or holds a NUL")
    return text


def check_tag(tag: str) -> str:
    """Return ``tag`` if a snapshot can have it. Raises InputError."""
    check_text(tag, "tag", longest=LONGEST_TAG)
    if not tag or not tag.isprintable() or tag != tag.strip():
        raise InputError(
            f"not a valid tag: {tag!r}" if tag else "the tag is empty",
            hint="use printable text without spaces at the beginning or end",
        )
    return tag
