"""What came of cloning a repository, or of importing one of an older JVS."""

from __future__ import annotations

from typing import Literal

from jvs_core.errors import JvsError
from jvs_core.results.result import Made, Result
from jvs_core.validated import Field


class RefusedSnapshot(Result):
    """A snapshot that the new repository does not have, and why."""

    snapshot_id: str
    code: str
    message: str

    @classmethod
    def of(cls, snapshot_id: str, error: JvsError) -> RefusedSnapshot:
        """Return the refusal of a snapshot for ``error``."""
        return cls(snapshot_id=snapshot_id, code=error.code, message=error.message)


class Cloned(Made):
    """A clone of a repository: the number of complete ``snapshots``, and those that were ``refused``.

    ``unsaved`` are the worktrees of the source with changes that are in no snapshot, and so not in the clone.
    """

    repo_root: str
    repo_id: str
    snapshots: int
    refused: list[RefusedSnapshot] = Field(default_factory=list)
    unsaved: list[str] = Field(default_factory=list)


class ImportedSnapshot(Result):
    """A snapshot that was imported.

    ``checked`` says whether its payload matches its own hash; ``unchecked`` says why JVS cannot check that.
    """

    snapshot_id: str
    checked: bool
    unchecked: str | None = None
    partial_paths: list[str] = Field(default_factory=list)
    compression: Literal["gzip"] | None = None


class Imported(Made):
    """A repository that was made from one of an older JVS."""

    repo_root: str
    repo_id: str
    imported: list[ImportedSnapshot]
    refused: list[RefusedSnapshot] = Field(default_factory=list)
