"""The outputs of one cell, representation by representation."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jvs_core.differences import lines
from jvs_core.differences.alignment import aligned
from jvs_core.differences.bounds import MB, Notes
from jvs_core.differences.model import MimeChange, OutputChange
from jvs_core.differences.readers import image
from jvs_core.differences.readers.notebook.document import joined, mapping

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,16}\b")
_PLACE = " at 0x"
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_DRAWING = "image/svg+xml"
_RASTER = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff")


@dataclass(frozen=True)
class Output:
    """One output as it counts: ``data`` maps representations to texts or JSON; ``index`` is that of the first part of a stream."""

    index: int
    type: str
    data: Mapping[str, Any]

    def same(self, other: Output, everything: bool) -> bool:
        """Return whether two outputs are the same, addresses of objects apart."""
        if self.type != other.type or self.data.keys() != other.data.keys():
            return False
        return all(_same(value, other.data[mime], everything) for mime, value in self.data.items())


def normal(outputs: Sequence[Mapping[str, Any]], everything: bool) -> list[Output]:
    """Return outputs as they count: streams in one piece, without widget views, which are other ones in each session."""
    found: list[Output] = []
    for index, output in enumerate(outputs):
        kind = output.get("output_type")
        one = Output(index, kind if isinstance(kind, str) else "", dict(_data(output, everything)))
        last = found[-1] if found else None
        if (
            one.type == "stream"
            and last is not None
            and last.type == "stream"
            and last.data.keys() == one.data.keys()
        ):
            found[-1] = Output(
                last.index, "stream", {key: last.data[key] + text for key, text in one.data.items()}
            )
        else:
            found.append(one)
    return found


def _data(output: Mapping[str, Any], everything: bool) -> Iterator[tuple[str, Any]]:
    kind = output.get("output_type")
    if kind == "stream":
        yield (
            ("text/plain" if output.get("name") != "stderr" else "text/plain; stderr"),
            joined(output.get("text")),
        )
    elif kind == "error":
        trace = output.get("traceback")
        lines_of = [line for line in trace if isinstance(line, str)] if isinstance(trace, list) else []
        yield (
            "text/plain",
            _COLOUR.sub("", "\n".join(lines_of)) or f"{output.get('ename')}: {output.get('evalue')}",
        )
    else:
        for mime, value in mapping(output.get("data")).items():
            if mime != _WIDGET or everything:
                yield mime, joined(value) if _is_text(value) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(part, str) for part in value)
    )


def _same(one: Any, other: Any, everything: bool) -> bool:
    if one == other:
        return True
    if everything or not isinstance(one, str) or not isinstance(other, str):
        return False
    return _PLACE in one and _ADDRESS.sub("", one) == _ADDRESS.sub("", other)


def between(
    old: Sequence[Output], new: Sequence[Output], notes: Notes, everything: bool
) -> list[OutputChange]:
    """Return the outputs that changed, in order."""
    same = len(old) == len(new) and all(
        one.same(other, everything) for one, other in zip(old, new, strict=True)
    )
    if same:
        return []
    found: list[OutputChange] = []
    one, other = ([_key(output, everything) for output in outputs] for outputs in (old, new))
    for block in aligned(one, other, notes):
        if block.op == "change":
            found += _in_block(
                old[block.old_start : block.old_end], new[block.new_start : block.new_end], notes, everything
            )
    return found


def _key(output: Output, everything: bool) -> tuple[str, ...]:
    """Return what two outputs have in common that are the same."""
    parts = [output.type]
    for mime in sorted(output.data):
        value = output.data[mime]
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        parts += (mime, text if everything or _PLACE not in text else _ADDRESS.sub("", text))
    return tuple(parts)


def _in_block(
    old: Sequence[Output], new: Sequence[Output], notes: Notes, everything: bool
) -> Iterator[OutputChange]:
    left = list(old)
    for output in new:
        was = next(
            (each for each in left if each.type == output.type and each.data.keys() & output.data.keys()),
            None,
        )
        if was is not None:
            left.remove(was)
        yield _change(was, output, notes, everything)
    for was in left:
        yield _change(was, None, notes, everything)


def _change(old: Output | None, new: Output | None, notes: Notes, everything: bool) -> OutputChange:
    one, other = old.data if old else {}, new.data if new else {}
    mimes = [
        _mime(mime, one.get(mime), other.get(mime), notes)
        for mime in dict.fromkeys((*one, *other))
        if mime not in one or mime not in other or not _same(one[mime], other[mime], everything)
    ]
    kind = new.type if new else old.type if old else ""
    return OutputChange(
        change="added" if old is None else "removed" if new is None else "changed",
        type=kind,
        old_index=None if old is None else old.index,
        new_index=None if new is None else new.index,
        mimes=mimes,
    )


def attachments(old: Mapping[str, Any], new: Mapping[str, Any], notes: Notes) -> list[MimeChange]:
    """Return the attachments that changed; in front of their kinds stand their names."""
    flat = [
        {
            f"{name}: {mime}": joined(value)
            for name, bundle in each.items()
            for mime, value in mapping(bundle).items()
        }
        for each in (old, new)
    ]
    return [
        _mime(name, flat[0].get(name), flat[1].get(name), notes)
        for name in dict.fromkeys((*flat[0], *flat[1]))
        if flat[0].get(name) != flat[1].get(name)
    ]


def _mime(mime: str, old: Any, new: Any, notes: Notes) -> MimeChange:
    change: Literal["added", "removed", "changed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    if mime.rpartition(": ")[2] in _RASTER:
        first, second = _bytes(old), _bytes(new)
        return MimeChange(
            mime=mime,
            change=change,
            old_size=None if first is None else len(first),
            new_size=None if second is None else len(second),
            image=image.in_output(first, second, notes),
        )
    one, other = _text(old), _text(new)
    hunks = None
    if mime != _DRAWING and max(len(one or ""), len(other or "")) <= notes.bounds.output_text:
        before, after = lines.text_of(one or "").lines, lines.text_of(other or "").lines
        hunks = lines.between(before, after, notes, most=notes.bounds.output_lines_shown).hunks
    elif mime != _DRAWING:
        notes.stop(
            f"for outputs longer than {notes.bounds.output_text / MB:,.0f} MB only the sizes are compared"
        )
    return MimeChange(
        mime=mime,
        change=change,
        old_size=None if one is None else len(one),
        new_size=None if other is None else len(other),
        hunks=hunks,
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else ""
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        return text.encode("utf-8", "surrogatepass")
