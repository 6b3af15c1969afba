"""Pinning snapshots against gc, with an audit record for each change."""

from __future__ import annotations

from datetime import UTC, datetime

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.records import pins
from jvs_core.errors import InputError, PinNotFound
from jvs_core.model import Pin
from jvs_core.operations import durations
from jvs_core.operations.context import Context
from jvs_core.operations.log import lost
from jvs_core.operations.refs import check_text


def create(ctx: Context, snapshot_id: str, *, reason: str, expires: str | None) -> Pin:
    """Pin a snapshot, durable. Raises SnapshotExpired, InputError."""
    check_text(reason, "reason")
    expires_at = None if expires is None else _end(expires)
    with ctx.critical():
        catalog.require_kept(ctx.layout, snapshot_id)
        pin = pins.create(
            ctx.layout, snapshot_id, reason=reason, by=ctx.settings.holder_id, expires_at=expires_at
        )
        ctx.audit(
            "gc_pin",
            snapshot_id=snapshot_id,
            target=pin.pin_id,
            reason=reason or None,
            details={"expires_at": expires_at},
        )
    return pin


def delete(ctx: Context, pin_id: str) -> Pin:
    """Remove a pin, durable, and return what it was; of a lost one, what the log says. Raises PinNotFound.

    The log is told first: a crash in between leaves a pin that still protects.
    """
    with ctx.critical():
        try:
            pin = pins.read(ctx.layout, pin_id)
        except PinNotFound:
            logged = lost.pin(ctx.layout, pin_id)
            if logged is None:
                raise
            ctx.audit(
                "gc_unpin", snapshot_id=logged.snapshot_id, target=logged.pin_id, details={"lost": True}
            )
            return logged
        ctx.audit("gc_unpin", snapshot_id=pin.snapshot_id, target=pin.pin_id)
        pins.delete(ctx.layout, pin_id)
    return pin


def _end(text: str) -> str:
    """Return the moment that a duration from now, a date or a time means. Raises InputError unless it is to come."""
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    if text[:4].isdigit() and "-" in text:
        end = clock.parse(text)
    else:
        end = round(durations.after(now, text).timestamp() * 1000)
    if end <= clock.now_ms():
        raise InputError(f"{text!r} is not in the future", hint="for example 30d, or 2030-01-31")
    return clock.timestamp(end)
