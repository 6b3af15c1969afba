"""A group of two users, and the settings of each."""

from __future__ import annotations

import os
from pathlib import Path

from jvs_core import Settings

TEAM, ANN, MALLORY = 23400, 23401, 23405


def settings(place: Path, uid: int) -> Settings:
    """Return the settings of user ``uid``, whose folders lie in ``place``."""
    state = place / f"state-{uid}"
    state.mkdir(mode=0o700, exist_ok=True)
    os.chown(state, uid, TEAM)
    return Settings(f"u{uid}", "here", "default", "copy", state / "state", state / "cache", state / "config")
