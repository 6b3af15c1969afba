"""Wall-clock timestamps for records and a clock for leases that never steps back."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from jvs_core.errors import EngineFailed, InputError

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def timestamp(ms: int | None = None) -> str:
    """Return ``ms`` (default: now) as ``2026-02-20T10:00:00.000Z``; fixed width, so text order is time order."""
    ms = now_ms() if ms is None else ms
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def parse(text: str) -> int:
    """Return the milliseconds since 1970 of an ISO 8601 timestamp; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"not an ISO 8601 time: {text!r}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def boot_ms() -> int:
    """Return the time since boot in milliseconds, sleep included; no clock change moves it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def boot_id() -> str:
    """Return the identity of the running boot, within which ``boot_ms`` values compare.

    Raises EngineFailed where /proc is not mounted, without which nothing can be locked or copied.
    """
    try:
        return Path(_BOOT_ID).read_text().strip()
    except OSError as error:
        raise EngineFailed(
            f"{_BOOT_ID} cannot be read: {os.strerror(error.errno or 0)}",
            hint="mount /proc: mount -t proc proc /proc",
        ) from error
