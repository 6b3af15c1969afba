"""Pickles, also joblib's: the names and versions in their opcodes. Nothing is unpickled, so nothing in them runs."""

from __future__ import annotations

import io
import pickletools
from collections.abc import Iterator

from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.model import ModelDetail
from jvs_core.differences.readers.tensors import Format, detail
from jvs_core.differences.unpacking import PACKED_ERRORS, Unpacked, packing
from jvs_core.differences.version import Version

_LOOKED_AT = 8_000_000
_LONGEST_NAME = 300
_MOST_NAMES = 200
_VERSIONS = ("_sklearn_version",)
_TEXTS = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")
_MEMO = ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT")


def read(old: Version | None, new: Version | None, form: Format, notes: Notes) -> ModelDetail:
    """Return what the opcodes of two pickles say. Raises Unreadable for what is no pickle."""
    facts = [{} if side is None else _facts(side, notes) for side in (old, new)]
    found = detail(form, {}, {}, notes, facts=(facts[0], facts[1]))
    return found.model_copy(update={"values_compared": False})


def _facts(side: Version, notes: Notes) -> dict[str, str]:
    how = packing(side.head(16))
    with side.opened() as stream:
        try:
            source = io.BufferedReader(Unpacked(stream, how, notes.bounds.unpacked)) if how else stream
            data = source.read(_LOOKED_AT)
        except PACKED_ERRORS as error:
            raise Unreadable(f"it cannot be unpacked: {str(error)[:200]}") from None
    if not data.startswith(b"\x80") and data[:1] not in (
        b"(",
        b"c",
        b"]",
        b"}",
        b"I",
        b"S",
        b"V",
        b"L",
        b"F",
        b"N",
    ):
        raise Unreadable("it is not a pickle")
    facts = {"packed by": how} if how else {}
    names: dict[str, None] = {}
    for key, value in _said(data, notes):
        if key == "name":
            names[value[:_LONGEST_NAME]] = None
        else:
            facts.setdefault(key, value[:_LONGEST_NAME])
    if not facts and not names:
        raise Unreadable("it is not a pickle")
    if names:
        facts["object"] = next(iter(names))
    facts.update({f"uses {name}": "yes" for name in list(names)[:_MOST_NAMES]})
    return facts


def _said(data: bytes, notes: Notes) -> Iterator[tuple[str, str]]:
    """Yield the protocol, the names of classes and functions, and versions, as far as the opcodes can be followed.

    In joblib's pickles the bytes of arrays stand between the opcodes, and end it.
    """
    texts: list[str] = []
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(data):
            count += 1
            if count > notes.bounds.opcodes:
                notes.stop(f"its first {notes.bounds.opcodes:,} opcodes are read")
                return
            if opcode.name == "PROTO":
                yield "protocol", str(argument)
            elif opcode.name == "GLOBAL":
                yield "name", str(argument).replace(" ", ".", 1)
            elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
                yield "name", f"{texts[-2]}.{texts[-1]}"
            elif opcode.name in _TEXTS:
                text = str(argument)[:_LONGEST_NAME]
                if texts and texts[-1] in _VERSIONS:
                    yield texts[-1].strip("_").replace("_", " "), text
                texts = [*texts[-1:], text]
            elif opcode.name not in _MEMO and opcode.name != "FRAME" and texts and texts[-1] not in _VERSIONS:
                continue
    except (
        ValueError,
        IndexError,
        EOFError,
        OverflowError,
        MemoryError,
        UnicodeDecodeError,
        AttributeError,
        KeyError,
    ):
        return
