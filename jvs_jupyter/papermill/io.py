"""``jvs://SNAPSHOT/path.ipynb``: papermill input paths that read out of a snapshot.

papermill imports this module while it is being imported itself: it must not import papermill, nor anything slow.
"""

from __future__ import annotations

from typing import NoReturn


class SnapshotHandler:
    """Reads notebooks out of the repository around the current folder; snapshots are never written to."""

    def read(self, path: str) -> str:
        """Return the text of a file in a snapshot. Raises NotARepository, SnapshotNotFound, PathNotFound."""
        from jvs_jupyter.papermill.place import in_snapshot, repository_of_process

        snapshot, file = in_snapshot(path)
        with repository_of_process().open_file(snapshot, file) as stream:
            return stream.read().decode("utf-8")

    def listdir(self, path: str) -> list[str]:
        """Return the paths in a folder of a snapshot."""
        from jvs_jupyter.papermill.place import repository_of_process

        snapshot, _, folder = path.removeprefix("jvs://").rstrip("/").partition("/")
        entries = repository_of_process().ls(snapshot, folder)
        return [f"jvs://{snapshot}/{entry.path}" for entry in entries]

    def write(self, buf: str, path: str) -> NoReturn:
        """Raise InputError: a snapshot never changes."""
        from jvs_core import InputError

        raise InputError(
            f"cannot write to {path}: a snapshot never changes", hint="choose a local output path"
        )

    def pretty_path(self, path: str) -> str:
        """Return the path as papermill's log shows it."""
        return path


handler = SnapshotHandler()
