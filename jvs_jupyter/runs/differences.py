"""Where the files after two runs differ, and what would make them alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from jvs_core import Difference as Inside
from jvs_core import Repository, Run, what_changed_in
from jvs_core.wording import counted
from jvs_jupyter.runs.causes import Cause, of_file, of_notebook
from jvs_jupyter.runs.normalise import differing_cells, equal

_PIECE = 1 << 20
_KINDS = ("table", "image", "model", "archive")
_NAMED = 3
_BEFORE, _SHOWN = 12, 40


@dataclass(frozen=True)
class Difference:
    """A file that differs, in words where, and what may be why, where its bytes show it."""

    path: str
    where: str
    cause: Cause | None = None

    def __str__(self) -> str:
        return f"~ {self.path}: {self.where}"


def between(repository: Repository, original: Run, again: Run) -> list[Difference]:
    """Return the files whose content differs between the two after-snapshots, sorted; notebooks normalised, no caches."""
    one, other = original.after_snapshot_id, again.after_snapshot_id
    assert one is not None
    assert other is not None
    changes = repository.compare(one, other, caches=False)
    elsewhere = original.output_path is None or original.output_path != again.output_path
    found = [Difference(path, "only the first run left it") for path in changes.removed]
    found += [Difference(path, "only the second run left it") for path in changes.added]
    found = [difference for difference in found if not (elsewhere and difference.path == again.output_path)]
    roots = [str(repository.root / "worktrees" / run.worktree) for run in (original, again)]
    roots.append(str(repository.worktrees.path("main")))
    for path in changes.modified:
        found += _in_file(repository, one, other, path, roots)
    return sorted(found, key=lambda difference: difference.path)


def _in_file(
    repository: Repository, one: str, other: str, path: str, roots: list[str]
) -> Iterator[Difference]:
    before, after = (repository.stat(snapshot, path.rstrip("/")) for snapshot in (one, other))
    if before.type != after.type:
        yield Difference(path, f"a {before.type}, then a {after.type}")
    elif before.mode != after.mode:
        yield Difference(path, f"mode {before.mode}, then {after.mode}")
    elif before.type != "file":
        yield Difference(path, f"another {before.type}")
    elif path.endswith(".ipynb"):
        both = _read(repository, one, path), _read(repository, other, path)
        pictures = _pictures(what_changed_in(repository, path, one, other))
        for found in _in_notebook(path, *both, roots):
            yield replace(found, where=f"{found.where} ({pictures})") if pictures else found
    elif told := _by_kind(what_changed_in(repository, path, one, other)):
        yield Difference(path, told, _cause(repository, one, other, path))
    else:
        with repository.open_file(one, path) as first, repository.open_file(other, path) as second:
            where = in_bytes(first, second)
        yield Difference(path, where, _cause(repository, one, other, path))


def _in_notebook(path: str, before: bytes, after: bytes, roots: list[str]) -> Iterator[Difference]:
    if not equal(before, after, roots):
        cells = ", ".join(map(str, differing_cells(before, after, roots)))
        yield Difference(path, f"cell {cells}" if cells else "beside its cells", of_notebook(before, after))


def _by_kind(found: Inside) -> str | None:
    """Return what differs in words where it is a matter of rows, columns, pixels, arrays or members; else None."""
    detail = found.detail
    if detail is None or detail.kind not in _KINDS or not found.words:
        return None
    if detail.kind != "table":
        return found.words
    names = dict.fromkeys(detail.columns[at].name for row in detail.rows for at in row.differing)
    more = ", …" if len(names) > _NAMED else ""
    return f"{found.words} (in {', '.join(list(names)[:_NAMED])}{more})" if names else found.words


def _pictures(found: Inside) -> str:
    """Return how the pictures of a notebook's cells differ, in words; nothing where none do."""
    if found.detail is None or found.detail.kind != "notebook":
        return ""
    images = [
        mime.image
        for cell in found.detail.cells
        for output in cell.outputs
        for mime in output.mimes
        if mime.image is not None and mime.image.pixels != "unknown"
    ]
    differ = [image for image in images if image.pixels == "differ"]
    if not differ:
        return "pictures with the same pixels" if images else ""
    shares = [image.share for image in differ if image.share is not None]
    return f"{counted(len(differ), 'picture')}" + (
        f", up to {max(shares):.2%} of the pixels" if shares else ""
    )


def in_bytes(first: BinaryIO, second: BinaryIO) -> str:
    """Return where two files begin to differ, and what they say there."""
    at = 0
    while True:
        one, other = first.read(_PIECE), second.read(_PIECE)
        if one != other or not one:
            break
        at += len(one)
    shorter = min(len(one), len(other))
    same = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    shown = [_text(piece[max(same - _BEFORE, 0) : same + _SHOWN]) for piece in (one, other)]
    return f"from byte {at + same} on, {shown[0]}, then {shown[1]}"


def _cause(repository: Repository, one: str, other: str, path: str) -> Cause | None:
    """Return what the beginnings of two files show of why they differ."""
    with repository.open_file(one, path) as first, repository.open_file(other, path) as second:
        heads = first.read(_PIECE), second.read(_PIECE)
        whole = not first.read(1) and not second.read(1)
    at = next((place for place, pair in enumerate(zip(*heads, strict=False)) if pair[0] != pair[1]), -1)
    found = of_file(path, *heads, at)
    return None if found == "time" and not whole else found


def _text(piece: bytes) -> str:
    return repr(piece)[1:] if piece else "the end"


def _read(repository: Repository, snapshot: str, path: str) -> bytes:
    with repository.open_file(snapshot, path) as stream:
        return stream.read()
