"""The flags of ``chattr``: whether a file is immutable or append-only, for root too."""

from __future__ import annotations

import ctypes
import fcntl
import os
import stat
import struct
from typing import Literal

from jvs_core.payload.tree.folders import FOLDER_FLAGS

Fixed = Literal["", "immutable", "append-only"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_BY_HANDLE = 0x1000  # AT_EMPTY_PATH
_STATX_BYTES, _ATTRIBUTES, _KNOWN = 256, 8, 56
_GETFLAGS = 0x80000000 | struct.calcsize("l") << 16 | ord("f") << 8 | 1  # FS_IOC_GETFLAGS
_IMMUTABLE, _APPEND = 0x10, 0x20  # the same bits in both calls


def fixed(folder: int, name: bytes) -> Fixed:
    """Return what keeps ``name`` in the open ``folder`` as it is; ``""`` where nothing does, or nothing is there."""
    try:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return ""
    try:
        bits = _by_statx(handle)
        if bits is None:
            bits = _by_ioctl(folder, name, os.fstat(handle).st_mode)
    finally:
        os.close(handle)
    return "immutable" if bits & _IMMUTABLE else "append-only" if bits & _APPEND else ""


def _by_statx(handle: int) -> int | None:
    """Return the bits, without opening the file; None where the file system does not say them this way."""
    if not hasattr(_LIBC, "statx"):
        return None
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    if _LIBC.statx(handle, b"", _BY_HANDLE, ctypes.c_uint(0), buffer) != 0:
        return None
    (bits,) = struct.unpack_from("=Q", buffer, _ATTRIBUTES)
    (known,) = struct.unpack_from("=Q", buffer, _KNOWN)
    return int(bits) if known & _IMMUTABLE else None


def _by_ioctl(folder: int, name: bytes, mode: int) -> int:
    if stat.S_ISREG(mode):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    elif stat.S_ISDIR(mode):
        flags = FOLDER_FLAGS
    else:
        return 0
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except OSError:
        return 0
    try:
        return int(struct.unpack_from("=I", fcntl.ioctl(fd, _GETFLAGS, bytes(8)))[0])
    except OSError:
        return 0
    finally:
        os.close(fd)
