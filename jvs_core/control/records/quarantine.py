"""Quarantine: what is in the way of a record or a repair is moved to ``.jvs/aside``, and never deleted."""

from __future__ import annotations

import secrets
from pathlib import Path

from jvs_core import files
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical

_LONGEST = 150


def put(layout: Layout, place: Path, called: str) -> None:
    """Move what lies at ``place`` out of the way, durable, under a name that begins with ``called``.

    The caller is in the critical section.
    """
    critical.require(layout.repository_lock)
    folder = layout.control / "aside"
    files.make_folder(folder, mode=layout.folder_mode, exist_ok=True)
    files.rename_durable(place, folder / f"{called[:_LONGEST]}-{secrets.token_hex(4)}")
