"""Where the files after two runs differ, and what would make them alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from jvs_core import Repository, Run
from jvs_jupyter.papermill.normalise import differing_cells, equal

_FIGURES = (".svg", ".pdf", ".eps", ".ps")
_SVG = b'"image/svg+xml"'
_PIECE = 1 << 20
_BEFORE, _SHOWN = 12, 40
_HINT = (
    "figures: matplotlib writes the time into SVG, PDF and PS, and ids by chance into SVG; set SOURCE_DATE_EPOCH for both "
    "runs (os.environ['SOURCE_DATE_EPOCH'] = '0') and matplotlib.rcParams['svg.hashsalt'] to a text of your own"
)


@dataclass(frozen=True)
class Difference:
    """A file that differs, in words where, and whether figures in it may be why."""

    path: str
    where: str
    figure: bool = False

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


def figures(differences: Iterable[Difference]) -> str | None:
    """Return a hint where figures may be what differs."""
    return _HINT if any(difference.figure for difference in differences) else None


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
        yield from _in_notebook(path, *both, roots)
    else:
        with repository.open_file(one, path) as first, repository.open_file(other, path) as second:
            yield Difference(path, in_bytes(first, second), path.lower().endswith(_FIGURES))


def _in_notebook(path: str, before: bytes, after: bytes, roots: list[str]) -> Iterator[Difference]:
    if not equal(before, after, roots):
        cells = ", ".join(map(str, differing_cells(before, after, roots)))
        yield Difference(path, f"cell {cells}" if cells else "beside its cells", _SVG in before + after)


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


def _text(piece: bytes) -> str:
    return repr(piece)[1:] if piece else "the end"


def _read(repository: Repository, snapshot: str, path: str) -> bytes:
    with repository.open_file(snapshot, path) as stream:
        return stream.read()
