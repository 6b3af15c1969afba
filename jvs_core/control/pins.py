"""Pins: reasons to keep a snapshot, with or without an end."""

from __future__ import annotations

import re
import uuid

from jvs_core import canonical, clock, files
from jvs_core.control.layout import Layout
from jvs_core.errors import PinNotFound
from jvs_core.model import Pin

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
    """Pin a snapshot, with ``lineage`` all its ancestors too; durable."""
    pin = Pin(
        pin_id=uuid.uuid4().hex[:12],
        snapshot_id=snapshot_id,
        reason=reason,
        created_at=clock.timestamp(),
        created_by=by,
        expires_at=expires_at,
        lineage=lineage,
    )
    path = layout.gc / "pins" / f"{pin.pin_id}.json"
    files.create_atomic(path, canonical.dumps(pin.to_json()) + b"\n", mode=layout.file_mode)
    return pin


def ids(layout: Layout) -> list[str]:
    """Return the ids of all pins, readable or not."""
    names = layout.listing(layout.gc / "pins")
    return sorted(name[:-5] for name in names if re.fullmatch(r"[0-9a-f]{12}\.json", name))


def read(layout: Layout, pin_id: str) -> Pin:
    """Return a pin. Raises PinNotFound, or DescriptorCorrupt when it is unreadable."""
    try:
        if re.fullmatch(r"[0-9a-f]{12}", pin_id) is None:
            raise FileNotFoundError
        data = layout.read(layout.gc / "pins" / f"{pin_id}.json")
    except FileNotFoundError as error:
        raise PinNotFound(f"no pin {pin_id!r}", hint="jvs gc pins") from error
    return Pin.parse(data, f"pin {pin_id}")


def read_all(layout: Layout) -> list[Pin]:
    """Return all pins, oldest first, expired ones too. Raises DescriptorCorrupt for one that is unreadable."""
    found = []
    for pin_id in ids(layout):
        try:
            found.append(read(layout, pin_id))
        except PinNotFound:  # removed since the listing; one that is still listed protects, and stops gc
            if pin_id in ids(layout):
                raise
    return sorted(found, key=lambda pin: (pin.created_at, pin.pin_id))


def has_expired(pin: Pin) -> bool:
    """Return whether a pin no longer protects."""
    return pin.expires_at is not None and clock.now_ms() >= clock.parse(pin.expires_at)


def delete(layout: Layout, pin_id: str) -> Pin:
    """Remove a pin, durable, and return what it was. Raises PinNotFound."""
    pin = read(layout, pin_id)
    files.remove_file(layout.gc / "pins" / f"{pin_id}.json", missing_ok=False)
    return pin
