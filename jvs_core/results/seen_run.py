"""A run as it is at this moment."""

from __future__ import annotations

from typing import Any

from jvs_core.model import Run, RunProgress


class SeenRun(Run):
    """A run's record, whether the run is ``live``, and its progress (None if unknown, or if the run has ended).

    If a run is recorded as started and is not ``live``, its process is gone: the run is ``lost`` when its
    lease ends.
    """

    live: bool
    progress: RunProgress | None

    def to_json(self) -> dict[str, Any]:
        """Return the run as anyone may want to see it."""
        return {**super().to_json(), "progress": None if self.progress is None else self.progress.to_json()}
