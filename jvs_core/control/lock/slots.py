"""A small record kept in two alternating slots of one file, written in place.

Writing: the slot that holds the older value is overwritten and synced; a torn write damages that slot only, and the
reader takes the other one. In-place writes are seen by other clients of a JuiceFS volume at once, renamed-over files
are not; that is why leases and the audit head live in slots.

Each slot is a line, ``SHA-256 of the rest, space, canonical JSON {"number", "value"}``, filled up with NUL.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jvs_core import canonical
from jvs_core.control.lock import file_lock
from jvs_core.errors import DescriptorCorrupt, InputError, JvsError
from jvs_core.files import unlink, write_all_at, write_new
from jvs_core.model import LARGEST
from jvs_core.regular import open_regular
from jvs_core.syncing import sync_together
from jvs_core.wording import counted

SLOT_BYTES = 4096
# Whoever writes a record is done in milliseconds; but anyone who may read the file can lock it.
_WAIT_S = 20.0


def create(path: Path, value: dict[str, Any], *, mode: int | None = None) -> None:
    """Create the file ``path`` with ``value``, exclusively and durably.

    Raises AlreadyExists when the name is taken, InputError when ``value`` does not fit. A failure leaves no file, a
    crash perhaps one without a readable slot.
    """
    write_new(path, _slot(0, value) + b"\0" * SLOT_BYTES, mode=mode, durable=False)
    try:
        sync_together([path, path.parent])
    except BaseException:
        with suppress(OSError, JvsError):
            unlink(path)
        raise


def read(path: Path) -> dict[str, Any]:
    """Return the newest value in ``path``.

    Raises FileNotFoundError, or DescriptorCorrupt when neither slot is whole.
    """
    fd = open_regular(path)
    try:
        found = _newest(os.pread(fd, 2 * SLOT_BYTES, 0))
    finally:
        os.close(fd)
    if found is None:
        raise DescriptorCorrupt(f"{path} holds no readable record", hint="jvs doctor")
    return found[1]


def write(path: Path, value: dict[str, Any]) -> None:
    """Replace the value in ``path``, in place and durable. A crash leaves the old value or the new one.

    The caller makes sure that nobody else writes meanwhile. Raises InputError when ``value`` does not fit.
    """
    fd = open_regular(path, os.O_RDWR)
    try:
        _write_next(fd, _newest(os.pread(fd, 2 * SLOT_BYTES, 0)), value)
    finally:
        os.close(fd)


def update(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, durable: bool = True) -> None:
    """Replace the value in ``path`` by ``change(value)``, ``durable`` or not, while other updates wait.

    Raises what ``change`` raises, with nothing written; DescriptorCorrupt when neither slot is whole; LockConflict when
    somebody keeps the file locked.
    """
    fd = open_regular(path, os.O_RDWR)
    try:
        file_lock.take(fd, path, deadline=time.monotonic() + _WAIT_S, wait_s=_WAIT_S, who="another process")
        try:
            newest = _newest(os.pread(fd, 2 * SLOT_BYTES, 0))
            if newest is None:
                raise DescriptorCorrupt(f"{path} holds no readable record", hint="jvs doctor")
            _write_next(fd, newest, change(newest[1]), durable=durable)
        finally:
            file_lock.give_back(fd)
    finally:
        os.close(fd)


def _write_next(
    fd: int, newest: tuple[int, Any] | None, value: dict[str, Any], *, durable: bool = True
) -> None:
    number = 0 if newest is None else newest[0] + 1
    write_all_at(fd, _slot(number, value), (number % 2) * SLOT_BYTES)
    if durable:
        os.fdatasync(fd)  # the size stays: times alone need no commit of the journal


def _slot(number: int, value: dict[str, Any]) -> bytes:
    body = canonical.dumps({"number": number, "value": value})
    line = hashlib.sha256(body).hexdigest().encode() + b" " + body + b"\n"
    if len(line) > SLOT_BYTES:
        raise InputError(
            f"a lock or log record of {counted(len(line), 'byte')} is longer than {SLOT_BYTES}",
            hint="use shorter names and purposes",
        )
    return line.ljust(SLOT_BYTES, b"\0")


def _newest(data: bytes) -> tuple[int, dict[str, Any]] | None:
    found = [slot for slot in (_parse(data[:SLOT_BYTES]), _parse(data[SLOT_BYTES:])) if slot is not None]
    return max(found, key=lambda slot: slot[0], default=None)


def _parse(slot: bytes) -> tuple[int, dict[str, Any]] | None:
    checksum, _, body = slot.rstrip(b"\0").removesuffix(b"\n").partition(b" ")
    if not body or hashlib.sha256(body).hexdigest().encode() != checksum:
        return None
    try:
        record = json.loads(body)
        number, value = record["number"], record["value"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    given = type(number) is int and 0 <= number < LARGEST  # the next one must be a number too
    return (number, value) if given and isinstance(value, dict) else None
