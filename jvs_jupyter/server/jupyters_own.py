"""Jupyter's own checkpoints of any contents manager; asking for them makes no folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.filecheckpoints import (
    AsyncFileCheckpoints,
    AsyncGenericFileCheckpoints,
    FileCheckpoints,
    GenericFileCheckpoints,
)
from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado import web

ID = "checkpoint"
_CLASSES = {
    (True, True): AsyncFileCheckpoints,
    (True, False): FileCheckpoints,
    (False, True): AsyncGenericFileCheckpoints,
    (False, False): GenericFileCheckpoints,
}


def is_class(found: type) -> bool:
    """Return whether a class of checkpoints is one of these."""
    return found in _CLASSES.values()


class JupytersOwn:
    """One checkpoint for each file, called ``ID``, in ``.ipynb_checkpoints``."""

    def __init__(self, manager: Any, log: Any) -> None:
        chosen = _CLASSES[isinstance(manager, FileManagerMixin), isinstance(manager, AsyncContentsManager)]
        self._kept: Any = chosen(parent=manager, log=log)

    @property
    def folder_name(self) -> str:
        """The name of the folder that they are kept in."""
        return str(self._kept.checkpoint_dir)

    async def create(self, manager: Any, path: str) -> dict[str, Any]:
        """Make the checkpoint of a file, over the one before."""
        with _forbidden():
            return dict(await ensure_async(self._kept.create_checkpoint(manager, path)))

    async def restore(self, manager: Any, checkpoint_id: str, path: str) -> None:
        """Make a file what it was. Raises HTTPError (404)."""
        await self._require(checkpoint_id, path)
        with _forbidden():
            await ensure_async(self._kept.restore_checkpoint(manager, checkpoint_id, path))

    async def found(self, path: str) -> list[dict[str, Any]]:
        """Return the checkpoint of a file, or none."""
        folder = self._folder(path)
        elsewhere = folder.is_dir() and not os.access(
            folder, os.W_OK
        )  # then Jupyter keeps it in a temporary folder
        if not elsewhere and not (folder / self.folder_name).is_dir():
            return []
        return list(await ensure_async(self._kept.list_checkpoints(path)))

    async def rename(self, old_path: str, new_path: str) -> None:
        """Let the checkpoint follow its file."""
        await ensure_async(self._kept.rename_checkpoint(ID, old_path, new_path))
        self._tidy(old_path)

    async def delete(self, checkpoint_id: str, path: str) -> None:
        """Delete the checkpoint of a file. Raises HTTPError (404)."""
        await self._require(checkpoint_id, path)
        await ensure_async(self._kept.delete_checkpoint(checkpoint_id, path))
        self._tidy(path)

    async def _require(self, checkpoint_id: str, path: str) -> None:
        if checkpoint_id not in [found["id"] for found in await self.found(path)]:
            self._kept.no_such_checkpoint(path, checkpoint_id)

    def _folder(self, path: str) -> Path:
        return Path(self._kept._get_os_path(path.strip("/").rpartition("/")[0]))

    def _tidy(self, path: str) -> None:
        with suppress(OSError):  # gone, or not empty
            os.rmdir(self._folder(path) / self.folder_name)


@contextmanager
def _forbidden() -> Iterator[None]:
    """Turn what the file system keeps from this user into 403, as Jupyter does elsewhere."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise web.HTTPError(403, f"Permission denied: {error}".replace("%", "%%")) from error
