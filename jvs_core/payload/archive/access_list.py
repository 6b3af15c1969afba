"""POSIX access lists as tar files have them: in words, users and groups by number."""

from __future__ import annotations

from struct import calcsize, error, iter_unpack, unpack_from

_VERSION = 2
_HEAD = calcsize("<I")
_TAGS = {0x01: "user:", 0x02: "user:{}", 0x04: "group:", 0x08: "group:{}", 0x10: "mask:", 0x20: "other:"}


def as_text(value: bytes) -> str | None:
    """Return the access list ``value`` of an extended attribute in words; None where it is none."""
    try:
        (version,) = unpack_from("<I", value)
        found = list(iter_unpack("<HHI", value[_HEAD:]))
    except error:
        return None
    if version != _VERSION or any(tag not in _TAGS or rights > 7 for tag, rights, _ in found):
        return None
    return ",".join(f"{_TAGS[tag].format(who)}:{_rights(rights)}" for tag, rights, who in found)


def _rights(bits: int) -> str:
    return "".join(letter if bits & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
