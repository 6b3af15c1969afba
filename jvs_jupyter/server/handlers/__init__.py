"""The routes, one module a noun."""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler

from jvs_jupyter.server.handlers.base import PREFIX, Unknown
from jvs_jupyter.server.handlers.compare import CompareHandler
from jvs_jupyter.server.handlers.content import ContentHandler
from jvs_jupyter.server.handlers.deleted import DeletedContentHandler, DeletedHandler
from jvs_jupyter.server.handlers.diff import DiffHandler
from jvs_jupyter.server.handlers.files import FilesHandler
from jvs_jupyter.server.handlers.find import FindHandler
from jvs_jupyter.server.handlers.locks import LocksHandler
from jvs_jupyter.server.handlers.operations import OperationHandler, OperationsHandler
from jvs_jupyter.server.handlers.pins import PinHandler, PinsHandler
from jvs_jupyter.server.handlers.refs import RefHandler, RefsHandler
from jvs_jupyter.server.handlers.repositories import AdoptionHandler, RepositoriesHandler
from jvs_jupyter.server.handlers.restores import RedoHandler, RestoresHandler, UndoHandler
from jvs_jupyter.server.handlers.runs import (
    RunCancelHandler,
    RunCompareHandler,
    RunHandler,
    RunReproduceHandler,
    RunsHandler,
    RunTableHandler,
    WorksHandler,
)
from jvs_jupyter.server.handlers.snapshots import SnapshotHandler, SnapshotsHandler
from jvs_jupyter.server.handlers.timeline import NowHandler, TimelineHandler
from jvs_jupyter.server.handlers.workspace import WorkspaceHandler
from jvs_jupyter.server.handlers.worktrees import WorktreeHandler, WorktreesHandler

ROUTES: dict[str, type[RequestHandler]] = {
    "/workspace": WorkspaceHandler,
    "/repositories": RepositoriesHandler,
    "/adoption": AdoptionHandler,
    "/snapshots": SnapshotsHandler,
    "/snapshots/{id}": SnapshotHandler,
    "/snapshots/{id}/files": FilesHandler,
    "/snapshots/{id}/content": ContentHandler,
    "/compare": CompareHandler,
    "/find": FindHandler,
    "/diff": DiffHandler,
    "/restores": RestoresHandler,
    "/undo": UndoHandler,
    "/redo": RedoHandler,
    "/deleted": DeletedHandler,
    "/deleted/content": DeletedContentHandler,
    "/timeline": TimelineHandler,
    "/timeline/now": NowHandler,
    "/worktrees": WorktreesHandler,
    "/worktrees/{name}": WorktreeHandler,
    "/refs": RefsHandler,
    "/refs/{name}": RefHandler,
    "/pins": PinsHandler,
    "/pins/{pin}": PinHandler,
    "/locks": LocksHandler,
    "/operations": OperationsHandler,
    "/operations/{operation}": OperationHandler,
    "/runs": RunsHandler,
    "/runs/table": RunTableHandler,
    "/runs/compare": RunCompareHandler,
    "/runs/works": WorksHandler,
    "/runs/{run}": RunHandler,
    "/runs/{run}/cancel": RunCancelHandler,
    "/runs/{run}/reproduce": RunReproduceHandler,
}


def routes() -> list[tuple[Any, ...]]:
    """Return the routes as tornado takes them; whatever else lies below the prefix is a JSON 404."""
    known = [(PREFIX + _pattern(route), handler) for route, handler in ROUTES.items()]
    return [*known, (PREFIX + "(?:/.*)?", Unknown)]


def _pattern(route: str) -> str:
    parts = (f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else part for part in route.split("/"))
    return "/".join(parts)
