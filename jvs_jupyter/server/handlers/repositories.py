"""``repositories`` and ``adoption``: making one, empty, from a folder that stays as it is, or of a folder itself."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jvs_core import Repository
from jvs_jupyter.server.errors import RequestError, bad_input, forbidden
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.operations import Subject, Work
from jvs_jupyter.server.paths import Root
from jvs_jupyter.server.progress import Receiver

_ESTIMATE_S = 2.0
_FIRST = "the folder as it was"


class RepositoriesHandler(Handler):
    """New repositories."""

    @route("createRepository")
    async def post(self) -> None:
        """Make one."""
        body = self.body()
        key = self.key()
        _check(body)
        root = self.services.root
        if body["adopt"]:
            folder = await self.call(_adoptable, root, body["path"])
            turn = folder
            work = self._adopting(folder, body)
            self.accept(self.services.operations.start("adopt", Subject(), work, turn=turn, key=key))
            return
        target = await self.call(_target, root, body["path"])
        source = None if body["from"] is None else await self.call(root.real, body["from"])

        def make(progress: Receiver) -> dict[str, Any]:
            made = Repository.init(
                target,
                from_=source,
                engine=body["engine"],
                shared=body["shared"],
                exclude=body["exclude"],
                exclude_caches=body["exclude_caches"],
                settings=root.settings,
                progress=progress,
            )
            return _made(root, made)

        operation = self.services.operations.start("init", Subject(), make, turn=target, key=key)
        await self.accept_or_answer(operation, HTTPStatus.CREATED)

    def _adopting(self, folder: Path, body: dict[str, Any]) -> Work:
        """Return the work that gives a folder a history, in place, and takes the first snapshot."""
        root, path = self.services.root, body["path"]
        loop = asyncio.get_running_loop()

        def tell() -> None:
            self.services.events.changed("repository", root.place(path))

        def work(progress: Receiver) -> dict[str, Any]:
            name = body["name"] or _free_name(folder)
            made = Repository.init(
                folder.parent / name,
                adopt=folder,
                shared=body["shared"],
                exclude=body["exclude"],
                exclude_caches=body["exclude_caches"],
                settings=root.settings,
                progress=progress,
            )
            loop.call_soon_threadsafe(tell)
            progress.next_part()
            taken = made.snapshot(
                _FIRST, consistency="prefer_quiesced", lock=True, wait_s=10.0, progress=progress
            )
            return {**_made(root, made), "path": path, "snapshot_id": taken.snapshot_id}

        return work


class AdoptionHandler(Handler):
    """What keeping a history of a folder takes."""

    @route("getAdoption")
    async def get(self) -> None:
        """Estimate it."""
        path = self.query()["path"]
        self.answer(await self.services.reader.run(estimate, self.services.root, path))


def estimate(root: Root, path: str) -> dict[str, Any]:
    """Return what keeping a history of the folder of a contents path takes."""
    folder = root.real(path)
    if folder.is_file():
        folder = folder.parent
    found = Repository.estimate(folder, within_s=_ESTIMATE_S)
    how, reason = found.how, found.reason
    if how is not None and folder == root.folder and not (root.enclosing and how == "rename"):
        how, reason = None, reason or _root_stays(root).to_json()
    return {
        "path": root.contents_path(folder),
        "files": found.files,
        "bytes": found.bytes,
        "space": found.space,
        "how": how,
        "reason": reason,
        "heavy": [each.to_json() for each in found.heavy],
        "complete": found.complete,
        "name": None if how is None else Path(found.repository).name,
        "repo_path": None if how is None else root.contents_path(found.repository),
    }


def _check(body: dict[str, Any]) -> None:
    if body["adopt"] and not (body["from"] is None and body["engine"] is None):
        raise bad_input("with adopt, leave out from and engine")
    if not body["adopt"] and body["name"] is not None:
        raise bad_input("name needs adopt; otherwise the last part of path is the name")


def _adoptable(root: Root, path: str) -> Path:
    folder = root.real(path)
    if folder == root.folder and not root.enclosing:
        raise _root_stays(root)
    return folder


def _root_stays(root: Root) -> RequestError:
    return forbidden(
        f"the server's root folder {root.folder} would be inside its repository, and this server may not use such a repository",
        "JvsServer.enclosing_repository = True allows it",
    )


def _free_name(folder: Path) -> str:
    return Path(Repository.estimate(folder, within_s=0).repository).name


def _made(root: Root, made: Repository) -> dict[str, Any]:
    return {**made.initialized().to_json(), "contents_path": root.contents_path(made.root)}


def _target(root: Root, path: str) -> Path:
    target = root.real(path)
    if target == root.folder:
        raise bad_input(
            "the server's root folder itself cannot be replaced", "adopt: true keeps a history of it"
        )
    # The name itself must be a new one: a link to a folder elsewhere inside the root is not followed.
    return root.real(str(Path(path).parent)) / Path(path).name
