"""Jupyter's own checkpoints as snapshots: any number for a notebook, kept outside its folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from jupyter_server import CallContext
from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.handlers import CheckpointsHandler
from tornado import web
from traitlets import Bool, Float, Integer, default

from jvs_core import Descriptor, JvsError, Settings
from jvs_jupyter.server.errors import RequestError, status_of
from jvs_jupyter.server.paths import Place, Root

TAG = "checkpoint"
_LOOKED_AT = 500

P = ParamSpec("P")
T = TypeVar("T")


class JvsCheckpoints(AsyncCheckpoints):
    """A checkpoint is a snapshot of the whole worktree, tagged, whose note names the file.

    Reverting changes that one file, after a snapshot of the present. Outside a worktree of a repository Jupyter's own
    checkpoints are used. Set it with ``c.AsyncContentsManager.checkpoints_class``.
    """

    listed = Integer(50, min=1, help="How many checkpoints of a file the Revert dialog offers.").tag(
        config=True
    )
    wait_s = Float(10.0, min=0.0, help="How long to wait for another holder of the worktree's lock.").tag(
        config=True
    )
    enclosing_repository = Bool(help="As JvsServer.enclosing_repository, which it follows.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outside: Any = AsyncFileCheckpoints(parent=self.parent, log=self.log)

    @default("enclosing_repository")
    def _as_the_server(self) -> bool:
        return bool(self.config.JvsServer.get("enclosing_repository", True))

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> dict[str, Any]:
        """Take a snapshot and return it as a checkpoint of ``path``.

        Saving a notebook that has none asks for one too: where that fails, the notebook is saved all the same, and the
        log says why it has no checkpoint.
        """
        asked = _asked()
        try:
            place = await self._place(path)
            if place is None:
                return dict(await self.outside.create_checkpoint(contents_mgr, path))
            taken = await _in_thread(
                place.repository.snapshot,
                _note(place),
                tags=(TAG,),
                consistency="prefer_quiesced",
                lock=True,
                wait_s=self.wait_s if asked else 0.0,
            )
        except web.HTTPError as error:
            if asked:
                raise
            self.log.warning("no checkpoint of %s: %s", path, error.log_message)
            return {}
        return _model(taken)

    async def restore_checkpoint(self, contents_mgr: Any, checkpoint_id: str, path: str) -> None:
        """Make the file what it was; its present is snapshotted first, and ``undo`` is for whole restores only."""
        place = await self._place(path)
        if place is None:
            await self.outside.restore_checkpoint(contents_mgr, checkpoint_id, path)
            return
        await _in_thread(
            place.repository.restore_path,
            checkpoint_id,
            place.inner,
            inplace=True,
            reason=f"revert {place.inner} to checkpoint {checkpoint_id}",
            lock=True,
            wait_s=self.wait_s,
        )

    async def list_checkpoints(self, path: str) -> list[dict[str, Any]]:
        """Return the newest checkpoints of a file, oldest first, as the Revert dialog expects them.

        Saving a notebook asks whether it has any, and does not fail where that cannot be told.
        """
        try:
            place = await self._place(path)
            if place is None:
                return list(await self.outside.list_checkpoints(path))
            found = await _in_thread(_checkpoints, place, self.listed)
        except web.HTTPError:
            if _asked():
                raise
            return []
        return [_model(descriptor) for descriptor in reversed(found)]

    async def rename_checkpoint(self, checkpoint_id: str, old_path: str, new_path: str) -> None:
        """Rename Jupyter's own; a snapshot keeps the names that the files had."""
        if await self._has_jupyters_own(old_path):
            await self.outside.rename_checkpoint(checkpoint_id, old_path, new_path)

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Refuse: a snapshot belongs to the whole workspace, and retention alone removes any."""
        if await self._place(path) is not None:
            raise web.HTTPError(409, "a checkpoint here is a snapshot of the workspace: see jvs gc")
        await self.outside.delete_checkpoint(checkpoint_id, path)

    async def rename_all_checkpoints(self, old_path: str, new_path: str) -> None:
        """Rename Jupyter's own when a file moves; snapshots stay as they are."""
        if await self._has_jupyters_own(old_path):
            await self.outside.rename_all_checkpoints(old_path, new_path)

    async def delete_all_checkpoints(self, path: str) -> None:
        """Delete Jupyter's own when a file is deleted; snapshots stay, and the file in them."""
        if await self._has_jupyters_own(path):
            await self.outside.delete_all_checkpoints(path)

    async def _has_jupyters_own(self, path: str) -> bool:
        """Whether Jupyter keeps checkpoints of a path. A file of a damaged repository moves and goes all the same."""
        try:
            return await self._place(path) is None
        except web.HTTPError as error:
            self.log.warning("checkpoints of %s were left alone: %s", path, error.log_message)
            return False

    async def _place(self, path: str) -> Place | None:
        """Return where a path lies; None outside every worktree, and where a link leads out of the server's root."""
        try:
            place = await asyncio.to_thread(self._root_and_place, path.strip("/"))
        except (JvsError, RequestError) as error:
            leads_out = isinstance(error, RequestError) and error.code == "E_PATH_ESCAPE"
            if leads_out or error.code in ("E_NOT_A_REPOSITORY", "E_OUTSIDE_ROOT"):
                return None
            raise _http(error) from error
        return place if place.inner else None

    def _root_and_place(self, path: str) -> Place:
        manager: Any = self.parent
        folder = Path(os.path.realpath(manager.root_dir))
        return Root(folder, Settings.from_environment(), self.enclosing_repository).place(path)


def _asked() -> bool:
    """Whether the request is for checkpoints, and not for a file that is saved."""
    return isinstance(CallContext.get(CallContext.JUPYTER_HANDLER), CheckpointsHandler)


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(partial(function, *args, **kwargs))
    except (JvsError, RequestError) as error:
        raise _http(error) from error


def _http(error: JvsError | RequestError) -> web.HTTPError:
    hint = f" ({error.hint})" if error.hint else ""
    return web.HTTPError(status_of(error), f"{error.code}: {error.message}{hint}".replace("%", "%%"))


def _note(place: Place) -> str:
    return f"checkpoint of {place.inner}"


def _checkpoints(place: Place, limit: int) -> list[Descriptor]:
    note = _note(place)
    recent = (item.descriptor.original for item in place.repository.history(limit=_LOOKED_AT))
    return [found for found in recent if TAG in found.tags and found.note == note][:limit]


def _model(descriptor: Descriptor) -> dict[str, Any]:
    return {"id": descriptor.snapshot_id, "last_modified": datetime.fromisoformat(descriptor.created_at)}
