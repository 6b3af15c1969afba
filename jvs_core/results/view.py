"""An open view."""

from __future__ import annotations

from jvs_core.results.result import Result


class View(Result):
    """A read-only copy of a snapshot, or of ``inner`` in it, at ``path``, and who holds it open since when.

    ``abandoned``: the process or session that opened it has ended without closing it.
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
