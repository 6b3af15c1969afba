"""Pins: reasons to keep a snapshot, whatever retention says."""

from __future__ import annotations

import uuid

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.control.records.register import Register
from jvs_core.errors import JvsError, PinNotFound
from jvs_core.model import SHORT_ID, Pin

PINS = Register("gc/pins", Pin, "pin_id", SHORT_ID, "pin {}")
UNDO_MS = 30 * 24 * 3600 * 1000


def create(
    layout: Layout,
    snapshot_id: str,
    *,
    reason: str,
    by: str,
    expires_at: str | None = None,
    lineage: bool = False,
) -> Pin:
    """Pin a snapshot, with ``lineage`` all its ancestors too; durable, in the critical section."""
    pin = Pin(
        pin_id=uuid.uuid4().hex[:12],
        snapshot_id=snapshot_id,
        reason=reason,
        created_at=clock.timestamp(),
        created_by=by,
        expires_at=expires_at,
        lineage=lineage,
    )
    PINS.create(layout, pin)
    return pin


def read(layout: Layout, pin_id: str) -> Pin:
    """Return a pin. Raises PinNotFound, or DescriptorCorrupt when it is unreadable."""
    pin = PINS.find(layout, pin_id)
    if pin is None:
        raise PinNotFound(f"no pin {pin_id!r}", hint="jvs gc pins")
    return pin


def read_all(layout: Layout, unreadable: list[str] | None = None) -> list[Pin]:
    """Return all pins, oldest first, expired ones too.

    What is wrong with those that cannot be read goes to ``unreadable``; where that is not given, the first is raised.
    """
    found = []
    for pin_id in PINS.keys(layout):
        try:
            found.append(read(layout, pin_id))
        except PinNotFound:  # removed since the listing; one that is still listed protects, and stops gc
            if pin_id in PINS.keys(layout):
                raise
        except (JvsError, OSError) as error:
            if unreadable is None:
                raise
            unreadable.append(error.message if isinstance(error, JvsError) else f"pin {pin_id}: {error}")
    return sorted(found, key=lambda pin: (pin.created_at, pin.pin_id))


def has_expired(pin: Pin) -> bool:
    """Return whether a pin no longer protects."""
    return pin.expires_at is not None and clock.now_ms() >= clock.parse(pin.expires_at)


def delete(layout: Layout, pin_id: str) -> Pin:
    """Remove a pin, durable, and return what it was; in the critical section. Raises PinNotFound."""
    pin = read(layout, pin_id)
    PINS.remove(layout, pin_id)
    return pin
