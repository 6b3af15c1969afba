"""What every spawner knows: whose server it is, and what it tells the server."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.hub.names import Person

SERVER_OPTIONS = ("--JvsServer.enclosing_repository=True", "--JvsServer.hold_lock=True")


def person_of_spawner(spawner: Any) -> Person:
    """Return whose server a spawner's is: the hub's row of the user, with its birth, belongs to nobody else ever."""
    row = spawner.user.orm_user
    born = row.created.isoformat() if row.created else ""
    return Person(str(spawner.user.name), str(spawner.name), f"{row.id}@{born}")
