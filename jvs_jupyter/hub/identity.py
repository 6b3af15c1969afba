"""What every spawner knows: whose server it is, and what it tells the server."""

from __future__ import annotations

import json
from typing import Any

from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.names import Person

SERVER_OPTIONS = ("--JvsServer.enclosing_repository=True", "--JvsServer.hold_lock=True")
WITHOUT_LOCK = "JVS_WITHOUT_LOCK"
_LONGEST = 2000


def without_lock(refused: Refused) -> str:
    """Return what ``JVS_WITHOUT_LOCK`` tells a server that starts without its lock: why, as ``code``, ``message`` and ``hint``."""
    known = {"code": refused.code, "message": refused.message, "hint": refused.hint}
    return json.dumps({name: None if text is None else text[:_LONGEST] for name, text in known.items()})


def person_of_spawner(spawner: Any) -> Person:
    """Return whose server a spawner's is: the hub's row of the user, with its birth, belongs to nobody else ever."""
    row = spawner.user.orm_user
    born = row.created.isoformat() if row.created else ""
    return Person(str(spawner.user.name), str(spawner.name), f"{row.id}@{born}")
