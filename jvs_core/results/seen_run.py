"""A run as it is at this moment."""

from __future__ import annotations

from typing import Any

from jvs_core.model import Run, RunProgress


class SeenRun(Run):
    """A run's record, whether it is ``live``, and how far it came, None where nothing is known or it is over.

    A run that is recorded as started and is not ``live`` has lost its process: it is ``lost`` when its lease ends.
    """

    live: bool
    progress: RunProgress | None

    def to_json(self) -> dict[str, Any]:
        """Return the run as anyone may want to see it."""
        return {**super().to_json(), "progress": None if self.progress is None else self.progress.to_json()}
