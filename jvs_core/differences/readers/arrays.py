"""Arrays of numpy, ``npy`` and ``npz``, by their headers."""

from __future__ import annotations

import ast
import struct
import zipfile
from collections.abc import Mapping
from typing import IO

from jvs_core.differences.bounds import KB, Notes, Unreadable
from jvs_core.differences.model import ModelDetail, TensorFacts
from jvs_core.differences.readers import archive
from jvs_core.differences.readers.tensors import Tensor, detail
from jvs_core.differences.version import Version

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 64 * KB
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)


def read_npy(old: Version | None, new: Version | None, notes: Notes) -> ModelDetail:
    """Return how one array changed. Raises Unreadable for what is none."""
    return detail("npy", _one(old), _one(new), notes)


def _one(side: Version | None) -> Mapping[str, Tensor]:
    if side is None:
        return {}
    with side.opened() as stream:
        return {"array": Tensor(header(stream), side.side.sha256)}


def read_npz(old: Version | None, new: Version | None, notes: Notes) -> ModelDetail:
    """Return how a file of arrays changed; values by the checksums of the zip file. Raises Unreadable for what is none."""
    return detail("npz", _members(old, notes), _members(new, notes), notes)


def _members(side: Version | None, notes: Notes) -> Mapping[str, Tensor]:
    if side is None:
        return {}
    found = {}
    with archive.opened_zip(side, notes) as file:
        for info in file.infolist()[: notes.bounds.members]:
            name = info.filename.removesuffix(".npy")
            facts = TensorFacts(dtype="?", shape=[], bytes=info.file_size)
            if info.compress_type in _READ and not info.flag_bits & 1:
                try:
                    with file.open(info) as stream:
                        facts = header(stream)
                except (Unreadable, *archive.ZIP_ERRORS, RuntimeError):
                    notes.stop("the header of some members cannot be read")
            found[name] = Tensor(facts, (info.CRC, info.file_size))
    return found


def header(stream: IO[bytes]) -> TensorFacts:
    """Return what the header of an array says. Raises Unreadable."""
    start = stream.read(12)
    if len(start) < 12 or not start.startswith(_MAGIC):
        raise Unreadable("it is not a numpy array")
    form, at = ("<H", 10) if start[6] == 1 else ("<I", 12)
    (length,) = struct.unpack_from(form, start, 8)
    if length > _LONGEST_HEADER:
        raise Unreadable("its header is too long")
    text = start[at:] + stream.read(length - (12 - at))
    try:
        found = ast.literal_eval(text.decode("latin-1").strip())
        shape = [int(count) for count in found["shape"]]
        dtype = found["descr"] if isinstance(found["descr"], str) else str(found["descr"])[:200]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, AttributeError):
        raise Unreadable("its header is not a numpy header") from None
    return TensorFacts(dtype=dtype, shape=shape[:64], bytes=_bytes(dtype, shape))


def _bytes(dtype: str, shape: list[int]) -> int | None:
    digits = dtype.lstrip("<>|=").lstrip("biufcSVmM?")
    if not digits.isdecimal() or len(digits) > 6 or any(not 0 <= count < 1 << 48 for count in shape):
        return None
    total = int(digits)
    for count in shape[:64]:
        total *= count
    return total if total < 1 << 62 else None
