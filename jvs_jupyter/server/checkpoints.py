"""Jupyter's own checkpoints as snapshots: any number for a notebook, kept outside its folder."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from jupyter_server import CallContext
from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.services.contents.handlers import CheckpointsHandler
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado import web
from traitlets import Bool, Float, Integer, default

from jvs_core import Descriptor, JvsError, Settings
from jvs_jupyter.server import jupyters_own
from jvs_jupyter.server.errors import RequestError, status_of
from jvs_jupyter.server.jupyters_own import JupytersOwn
from jvs_jupyter.server.paths import Place, Root

if TYPE_CHECKING:
    from jvs_jupyter.server.services import Services

TAG = "checkpoint"
_LOOKED_AT = 500
_INDEX_S = 1.0

P = ParamSpec("P")
T = TypeVar("T")


class JvsCheckpoints(AsyncCheckpoints):
    """A checkpoint is a snapshot of the whole worktree that holds the file; none is taken where nothing changed since the last.

    Those in which a file changed are its checkpoints, whoever took them. Reverting changes that one file, after a snapshot of
    the present. Jupyter's own checkpoints are used outside a worktree, and where no snapshot can be taken: saving never
    fails because of JVS, nor waits for it. ``JvsServer.checkpoints`` sets it where nobody configured another class; a manager
    that is not asynchronous gets its answers at once.
    """

    listed = Integer(50, min=1, help="How many checkpoints of a file the Revert dialog offers.").tag(
        config=True
    )
    wait_s = Float(10.0, min=0.0, help="How long to wait for another holder of the worktree's lock.").tag(
        config=True
    )
    enclosing_repository = Bool(help="Follows JvsServer.enclosing_repository.").tag(config=True)
    with_history = Bool(
        False,
        help="Keep Jupyter's own if a repository's automatic history is off; JvsServer.checkpoints sets it.",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.own = JupytersOwn(self.parent, self.log)

    @default("enclosing_repository")
    def _as_the_server(self) -> bool:
        return bool(self.config.JvsServer.get("enclosing_repository", True))

    @property
    def checkpoint_dir(self) -> str:
        """The name of a folder that makes no other one count as full."""
        return self.own.folder_name

    def create_checkpoint(self, contents_mgr: Any, path: str) -> Any:
        """Take a snapshot and return it as a checkpoint of ``path``."""
        return self._answer(self._create(contents_mgr, path))

    def restore_checkpoint(self, contents_mgr: Any, checkpoint_id: str, path: str) -> Any:
        """Make the file what it was; its present is snapshotted first, and ``undo`` is for whole restores only."""
        return self._answer(self._restore(contents_mgr, checkpoint_id, path))

    def list_checkpoints(self, path: str) -> Any:
        """Return the newest checkpoints of a file, oldest first, as the Revert dialog expects them."""
        return self._answer(self._list(path))

    def rename_checkpoint(self, checkpoint_id: str, old_path: str, new_path: str) -> Any:
        """Rename Jupyter's own; a snapshot keeps the names that the files had."""
        return self._answer(self._rename(old_path, new_path))

    def rename_all_checkpoints(self, old_path: str, new_path: str) -> Any:
        """Rename Jupyter's own when a file moves; snapshots stay as they are."""
        return self._answer(self._rename(old_path, new_path))

    def delete_checkpoint(self, checkpoint_id: str, path: str) -> Any:
        """Delete Jupyter's own. A snapshot belongs to the whole workspace, and retention alone removes any."""
        return self._answer(self._delete(checkpoint_id, path))

    def delete_all_checkpoints(self, path: str) -> Any:
        """Delete Jupyter's own when a file is deleted; snapshots stay, and the file in them."""
        return self._answer(self._delete_own(path))

    def _answer(self, answer: Coroutine[Any, Any, Any]) -> Any:
        if isinstance(self.parent, AsyncContentsManager):
            return answer
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(contextvars.copy_context().run, asyncio.run, answer).result()

    async def _create(self, manager: Any, path: str) -> dict[str, Any]:
        try:
            place = await self._place(path)
            if place is not None and _is_saving() and self._keeps_history(place):
                return _soon()
            if place is not None:
                return _model(await self._taken(place, self.wait_s if _asked() else 0.0))
        except Exception as error:  # noqa: BLE001 - whatever it is, what a person wrote is saved, and has a checkpoint
            self._say(
                f"JVS took no snapshot as checkpoint of {path}; Jupyter keeps its own checkpoint", error
            )
        return await self.own.create(manager, path)

    @property
    def _services(self) -> Services | None:
        """What the extension shares, for a manager that works on the same event loop; None where it is not on."""
        if not isinstance(self.parent, AsyncContentsManager):
            return None
        application = getattr(getattr(self.parent, "parent", None), "web_app", None)
        found: Services | None = None if application is None else application.settings.get("jvs_services")
        return found

    def _keeps_history(self, place: Place) -> bool:
        """Return whether what is saved is kept soon by itself."""
        application = getattr(getattr(self.parent, "parent", None), "web_app", None)
        services = None if application is None else application.settings.get("jvs_services")
        history = None if services is None else services.histories.seen(place)
        return history is not None and history.plan.enabled

    async def _taken(self, place: Place, wait_s: float) -> Descriptor:
        """Take a snapshot, in the worktree's queue, where anything changed; else return the last that holds the file."""
        services = self._services
        if services is None:
            return await asyncio.to_thread(snapshot_of, place.root, place.path, wait_s)
        async with services.operations.in_turn((place.repository.root, place.worktree)):
            taken: Descriptor = await services.apart(snapshot_of, place.root, place.path, wait_s)
        services.events.changed("snapshots", place)
        return taken

    async def _restore(self, manager: Any, checkpoint_id: str, path: str) -> None:
        if checkpoint_id == jupyters_own.ID:
            return await self.own.restore(manager, checkpoint_id, path)
        place = await self._of_snapshot(checkpoint_id, path)
        await _in_thread(
            place.repository.restore_path,
            checkpoint_id,
            place.inner,
            inplace=True,
            reason=f"revert {place.inner} to checkpoint {checkpoint_id}",
            lock=True,
            wait_s=self.wait_s,
        )
        return None

    async def _list(self, path: str) -> list[dict[str, Any]]:
        found: list[Descriptor] = []
        try:
            place = await self._place(path)
            if place is not None and _is_saving():
                return await asyncio.to_thread(_any, place)
            if place is not None:
                found = await asyncio.to_thread(_checkpoints, place, self.listed)
        except Exception as error:  # noqa: BLE001 - as above: saving asks first whether there is any
            self._say(f"only Jupyter's own checkpoints of {path} are listed", error)
        listed = [*map(_model, found), *await self.own.found(path)]
        return sorted(listed, key=lambda model: model["last_modified"])

    async def _rename(self, old_path: str, new_path: str) -> None:
        """Let Jupyter's own follow a file, but not from outside into a worktree, where they would be among its files."""
        if not await self.own.found(old_path):
            return
        if await self._has_snapshots(new_path) and not await self._has_snapshots(old_path):
            self.log.info("Jupyter's own checkpoint of %s stays where it was", old_path)
        else:
            await self.own.rename(old_path, new_path)

    async def _delete(self, checkpoint_id: str, path: str) -> None:
        if checkpoint_id == jupyters_own.ID:
            return await self.own.delete(checkpoint_id, path)
        await self._of_snapshot(checkpoint_id, path)
        raise web.HTTPError(409, "this checkpoint is a snapshot of the workspace: to remove it, see jvs gc")

    async def _delete_own(self, path: str) -> None:
        for model in await self.own.found(path):
            await self.own.delete(model["id"], path)

    async def _of_snapshot(self, checkpoint_id: str, path: str) -> Place:
        """Return the place of a file of which a snapshot is a checkpoint. Raises HTTPError, 404 for any other id."""
        unknown = web.HTTPError(404, f"Checkpoint does not exist: {path}@{checkpoint_id}".replace("%", "%%"))
        try:
            place = await self._place(path)
            if place is None or not await asyncio.to_thread(_is_checkpoint, place, checkpoint_id):
                raise unknown
        except (JvsError, RequestError) as error:
            raise (unknown if status_of(error) in (400, 404) else _http(error)) from error
        return place

    async def _has_snapshots(self, path: str) -> bool:
        try:
            return await self._place(path) is not None
        except (JvsError, RequestError):
            return False

    async def _place(self, path: str) -> Place | None:
        """Return where a path lies; None outside every worktree, and where a link leads out of the server's root.

        Raises JvsError, RequestError.
        """
        if not isinstance(self.parent, FileManagerMixin):  # its paths are none of the file system
            return None
        try:
            place = await asyncio.to_thread(self._root_and_place, path.strip("/"))
            if self.with_history and not await asyncio.to_thread(_has_history, place):
                return None
        except (JvsError, RequestError) as error:
            leads_out = isinstance(error, RequestError) and error.code == "E_PATH_ESCAPE"
            if leads_out or error.code in ("E_NOT_A_REPOSITORY", "E_OUTSIDE_ROOT"):
                return None
            raise
        return place if place.inner else None

    def _root_and_place(self, path: str) -> Place:
        manager: Any = self.parent
        folder = Path(os.path.realpath(manager.root_dir))
        return Root(folder, Settings.from_environment(), self.enclosing_repository).place(path)

    def _say(self, what: str, error: Exception) -> None:
        self.log.warning("%s: %s: %s", what, getattr(error, "code", type(error).__name__), error)


def _asked() -> bool:
    """Whether the request is for checkpoints, and not for a file that is saved."""
    return isinstance(CallContext.get(CallContext.JUPYTER_HANDLER), CheckpointsHandler)


def _is_saving() -> bool:
    """Whether somebody waits for something else than checkpoints: a file that is saved, above all."""
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    return handler is not None and not isinstance(handler, CheckpointsHandler)


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


def snapshot_of(root: Root, path: str, wait_s: float) -> Descriptor:
    """Take a snapshot of the worktree of a contents path as a checkpoint of what is there, if anything changed since the last.

    Returns it, else the newest one that is a checkpoint of it. Raises JvsError.
    """
    place = root.place(path)
    made = place.repository.snapshot_if_changed(
        _note(place),
        tags=(TAG,),
        consistency="prefer_quiesced",
        kind="checkpoint",
        lock=True,
        wait_s=wait_s,
    )
    if made is not None:
        return made
    newest = _checkpoints(place, 1)
    return newest[0] if newest else place.repository.show("HEAD").descriptor.original


def use_checkpoints(manager: Any) -> None:
    """Let a contents manager keep its checkpoints as snapshots, unless somebody chose others for it."""
    configured = [
        manager.config[each.__name__] for each in type(manager).__mro__ if each.__name__ in manager.config
    ]
    chosen = any(name in section for section in configured for name in ("checkpoints_class", "checkpoints"))
    by_files = isinstance(manager, FileManagerMixin)
    if chosen or not by_files or not jupyters_own.is_class(manager.checkpoints_class):
        return
    manager.checkpoints_class = JvsCheckpoints
    manager.checkpoints = JvsCheckpoints(**{**manager.checkpoints_kwargs, "with_history": True})


def _has_history(place: Place) -> bool:
    return bool(place.repository.timeline.settings.enabled)


def _checkpoints(place: Place, limit: int) -> list[Descriptor]:
    """Return the newest snapshots in which a file changed; what the index of changes does not know yet comes later."""
    changed = place.repository.index.touching(place.inner, within_s=_INDEX_S)
    recent = place.repository.history(limit=_LOOKED_AT)
    kept = (item.descriptor.original for item in recent if not item.expired)
    return [found for found in kept if found.snapshot_id in changed and _holds(place, found.snapshot_id)][
        :limit
    ]


def _holds(place: Place, snapshot: str) -> bool:
    try:
        place.repository.stat(snapshot, place.inner)
    except JvsError:
        return False
    return True


def _any(place: Place) -> list[dict[str, Any]]:
    """Return one checkpoint for who asks only whether there is any, as saving does: what is saved is kept soon anyway."""
    head = place.repository.worktrees.get().head_snapshot_id
    return [_soon()] if head is None else [_model(place.repository.show(head).descriptor)]


def _is_checkpoint(place: Place, checkpoint_id: str) -> bool:
    found = place.repository.show(checkpoint_id)
    return (
        found.descriptor.snapshot_id == checkpoint_id and not found.expired and _holds(place, checkpoint_id)
    )


def _model(descriptor: Descriptor) -> dict[str, Any]:
    return {"id": descriptor.snapshot_id, "last_modified": datetime.fromisoformat(descriptor.created_at)}


def _soon() -> dict[str, Any]:
    """Return a checkpoint that is taken within the next minutes, for who asks for no more than that there is one."""
    return {"id": "soon", "last_modified": datetime.now(UTC)}
