"""``repositories``: making one, empty or from a folder that stays as it is."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from jvs_core import Repository
from jvs_jupyter.server.errors import bad_input
from jvs_jupyter.server.handlers.base import Handler, route
from jvs_jupyter.server.operations import Subject
from jvs_jupyter.server.paths import Root
from jvs_jupyter.server.progress import Receiver


class RepositoriesHandler(Handler):
    """New repositories."""

    @route("createRepository")
    async def post(self) -> None:
        """Make one."""
        body = self.body()
        key = self.key()
        root = self.services.root
        target = await self.call(_target, root, body["path"])
        source = None if body["from"] is None else await self.call(root.real, body["from"])

        def work(progress: Receiver) -> dict[str, Any]:
            made = Repository.init(
                target,
                from_=source,
                engine=body["engine"],
                shared=body["shared"],
                settings=root.settings,
                progress=progress,
            )
            return {**made.initialized().to_json(), "contents_path": root.contents_path(made.root)}

        operation = self.services.operations.start("init", Subject(), work, turn=target, key=key)
        await self.accept_or_answer(operation, HTTPStatus.CREATED)


def _target(root: Root, path: str) -> Path:
    target = root.real(path)
    if target == root.folder:
        raise bad_input("the server's root folder itself cannot become a repository", "name a folder in it")
    # The name itself must be a new one: a link to a folder elsewhere inside the root is not followed.
    return root.real(str(Path(path).parent)) / Path(path).name
