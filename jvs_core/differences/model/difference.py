"""One path that differs, and all paths that differ."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from jvs_core.differences.model.archive import ArchiveDetail
from jvs_core.differences.model.image import ImageDetail
from jvs_core.differences.model.notebook import NotebookDetail
from jvs_core.differences.model.part import Part
from jvs_core.differences.model.table import TableDetail
from jvs_core.differences.model.text import TextDetail
from jvs_core.differences.model.weights import ModelDetail
from jvs_core.results import Renamed
from jvs_core.validated import Field

Group = Literal["notebooks", "code", "data", "figures", "models", "other"]
Kind = Literal[
    "notebook", "text", "table", "image", "model", "archive", "binary", "link", "folder", "fifo", "mixed"
]


class Side(Part):
    """What a path was, or is. ``mode`` is octal text, ``size`` 0 and ``sha256`` None for all but files; both are known of every file.

    ``sha256`` is None also for content that no snapshot and no file holds, as that of an editor.
    """

    type: Literal["file", "directory", "symlink", "fifo"]
    size: int
    mode: str
    sha256: str | None


class BinaryDetail(Part):
    """Bytes of which nothing more is known than size and digest."""

    kind: Literal["binary"] = "binary"


class LinkDetail(Part):
    """Where a symbolic link leads to."""

    kind: Literal["link"] = "link"
    old_target: str | None
    new_target: str | None


Detail = Annotated[
    NotebookDetail
    | TextDetail
    | TableDetail
    | ImageDetail
    | ModelDetail
    | ArchiveDetail
    | LinkDetail
    | BinaryDetail,
    Field(discriminator="kind"),
]


class More(Part):
    """What an extra of the package would show in addition: ``pip install 'jvs-workspaces[EXTRA]'``, and in words what for."""

    extra: str
    words: str


class Difference(Part):
    """One path that differs.

    ``old_path`` is set where a file moved. ``old`` or ``new`` is None where there is none. ``kind`` is by name and content;
    ``mixed`` where a path was one type and is another. ``cache`` marks known caches. ``words`` summarises it for a list (``2 cells``, ``−48 rows``), or is ``""``. ``detail`` is None where nobody asked for it, or the
    content is the same (a mode changed, a file moved); its kind is ``binary`` where a bound keeps from looking inside. ``stopped`` says in sentences what a limit left out, ``more`` what a missing library would add.
    """

    path: str
    old_path: str | None = None
    change: Literal["added", "modified", "removed", "renamed"]
    kind: Kind
    group: Group
    cache: bool = False
    old: Side | None
    new: Side | None
    words: str = ""
    detail: Detail | None = None
    stopped: list[str] = Field(default_factory=list)
    more: More | None = None


class Differences(Part):
    """What changed inside: a comparison of two snapshots, or of a snapshot and a worktree, with ``changes``.

    ``to`` is the name of the worktree, if it is one. ``changes`` is in the order of paths, caches last; it is
    None if nobody asked for it. ``left_out`` counts the paths of the lists that ``changes`` does not
    describe, because of a limit.
    """

    from_: str = Field(key="from")
    to: str
    added: list[str]
    modified: list[str]
    removed: list[str]
    renamed: list[Renamed]
    caches: list[str] = Field(default_factory=list)
    changes: list[Difference] | None = None
    left_out: int = 0
    stopped: list[str] = Field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the contract's JSON: ``changes``, ``left_out`` and ``stopped`` only where the inside was asked for."""
        unasked = {"changes", "left_out", "stopped"} if self.changes is None else set()
        return self.model_dump(by_alias=True, exclude=unasked)
