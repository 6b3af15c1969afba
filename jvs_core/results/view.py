"""An open view."""

from __future__ import annotations

from jvs_core.results.result import Result


class View(Result):
    """A read-only copy at ``path`` of a snapshot, or of ``inner`` in it, and who opened it when.

    ``abandoned``: the process or session that opened the view ended without closing it.
    """

    view_id: str
    path: str
    snapshot_id: str
    inner: str
    opened_at: str
    opened_by: str
    pid: int
    by_hand: bool
    abandoned: bool
