"""What changed inside one path: the reader of its kind, else the next simpler one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, cast

from jvs_core.differences.bounds import Bounds, Notes, Unreadable
from jvs_core.differences.model import BinaryDetail, Detail, Difference, LinkDetail
from jvs_core.differences.model.difference import Kind
from jvs_core.differences.naming import Named, named
from jvs_core.differences.version import Version
from jvs_core.differences.words import words_of

_Reading = Callable[[], Detail]
_ENDED = (MemoryError, RecursionError)
_LOOKED_AT = 8_000
_TYPES: dict[str, Kind] = {"symlink": "link", "directory": "folder", "fifo": "fifo"}
Change = Literal["added", "modified", "removed", "renamed"]


def kind_of(path: str, old: Version | None, new: Version | None) -> Kind:
    """Return the kind of a path by its name and by what stands there, without looking inside."""
    types = {side.side.type for side in (old, new) if side is not None}
    if len(types) > 1:
        return "mixed"
    kind = types.pop()
    return named(path).kind if kind == "file" else _TYPES[kind]


def difference(
    path: str,
    old: Version | None,
    new: Version | None,
    *,
    change: Change,
    old_path: str | None = None,
    cache: bool = False,
    inside: bool = True,
    everything: bool = False,
    bounds: Bounds | None = None,
) -> Difference:
    """Return how one path differs; without ``inside`` by size, digest and mode only.

    ``old`` or ``new`` is None where there is none. ``everything`` also compares what changes whenever a notebook runs. Raises what
    opening and reading the files does.
    """
    notes = Notes(bounds or Bounds())
    kind = kind_of(path, old, new)
    name = named(path)
    detail = _detail(kind, name, old, new, notes, everything) if inside else None
    if detail is not None and kind not in ("mixed", "folder", "fifo"):
        kind = detail.kind
    found = Difference(
        path=path,
        old_path=old_path,
        change=change,
        kind=kind,
        group=name.group if name.group != "other" or kind != "text" else "code",
        cache=cache,
        old=old.side if old else None,
        new=new.side if new else None,
        detail=detail,
        stopped=notes.stopped,
        more=notes.more,
    )
    return found.model_copy(update={"words": words_of(found)})


def _detail(
    kind: Kind, name: Named, old: Version | None, new: Version | None, notes: Notes, everything: bool
) -> Detail | None:
    if kind == "link":
        return LinkDetail(old_target=old.target if old else None, new_target=new.target if new else None)
    files = [side for side in (old, new) if side is not None and side.is_file]
    if not files or (len(files) == 2 and files[0].side.sha256 == files[1].side.sha256):
        return None
    if kind == "mixed":
        old, new = (side if side is not None and side.is_file else None for side in (old, new))
    for reading in _readings(name, old, new, notes, everything):
        try:
            return reading()
        except Unreadable as reason:
            if notes.more is None and str(reason) != "it is not text":
                notes.stop(str(reason))
        except _ENDED:
            notes.stop("it needs more memory than there is")
    return BinaryDetail()


def _readings(
    name: Named, old: Version | None, new: Version | None, notes: Notes, everything: bool
) -> Iterator[_Reading]:
    """Yield what to try, the best first."""
    if name.kind == "notebook":
        from jvs_core.differences.readers.notebook import cells

        yield lambda: cells.read(old, new, notes, everything=everything)
    elif name.kind == "table":
        from jvs_core.differences.readers.table import rows

        yield lambda: rows.read(old, new, cast("rows.Format", name.format), notes)
    elif name.kind == "image":
        from jvs_core.differences.readers import image

        yield lambda: image.read(old, new, notes)
    elif name.kind == "model":
        yield _model_reading(name.format, old, new, notes)
    elif name.kind == "archive":
        from jvs_core.differences.readers import archive

        yield lambda: archive.read(old, new, notes)
    if name.kind in ("notebook", "table", "text") or _looks_like_text(old, new):
        from jvs_core.differences.readers import text

        yield lambda: text.read(old, new, name.format, notes)


def _looks_like_text(old: Version | None, new: Version | None) -> bool:
    heads = [side.head(_LOOKED_AT) for side in (old, new) if side is not None]
    try:
        return all(_is_text(head) for head in heads)
    except UnicodeDecodeError:
        return False


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    head.decode("utf-8") if len(head) < _LOOKED_AT else head[:-4].decode(
        "utf-8", "strict" if head.isascii() else "ignore"
    )
    return True


def _model_reading(form: str, old: Version | None, new: Version | None, notes: Notes) -> _Reading:
    from jvs_core.differences.readers import arrays, onnx, pickles, safetensors

    if form == "npy":
        return lambda: arrays.read_npy(old, new, notes)
    if form == "npz":
        return lambda: arrays.read_npz(old, new, notes)
    if form == "safetensors":
        return lambda: safetensors.read(old, new, notes)
    if form == "onnx":
        return lambda: onnx.read(old, new, notes)
    return lambda: pickles.read(old, new, "joblib" if form == "joblib" else "pickle", notes)
