"""What the server tells everybody who subscribed to ``/api/events``."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Literal

import yaml
from jupyter_events import EventLogger

from jvs_jupyter.server.paths import Place

OPERATION = "urn:jvs:event:operation:v1"
CHANGE = "urn:jvs:event:change:v1"

What = Literal["repository", "snapshots", "content", "worktrees", "refs", "pins", "locks", "timeline", "runs"]


class Events:
    """The events of the JVS extension. Called on the event loop only."""

    def __init__(self, logger: EventLogger | None) -> None:
        assert logger is not None
        self._logger = logger
        for name in ("operation", "change"):
            text = files("jvs_jupyter.server").joinpath("event_schemas", f"{name}.yaml").read_text("utf-8")
            schema = yaml.safe_load(text)
            if schema["$id"] not in logger.schemas:
                logger.register_event_schema(schema)

    def operation(self, operation: dict[str, Any]) -> None:
        """Tell how an operation stands; its result and times stay behind."""
        kept = ("id", "kind", "state", "progress", "error", "repo_id", "worktree", "worktree_path")
        self._logger.emit(schema_id=OPERATION, data={name: operation[name] for name in kept})

    def changed(self, what: What, place: Place) -> None:
        """Tell that something of the place's repository is not as it was."""
        self.change(
            what,
            repo_id=place.repository.repo_id,
            worktree=place.worktree,
            worktree_path=place.worktree_path,
        )

    def change(self, what: What, *, repo_id: str, worktree: str | None, worktree_path: str | None) -> None:
        """Tell that something in a repository is not as it was."""
        data = {"what": what, "repo_id": repo_id, "worktree": worktree, "worktree_path": worktree_path}
        self._logger.emit(schema_id=CHANGE, data=data)
