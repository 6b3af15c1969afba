"""Names of people's worktrees: any user name gives a safe one, and no two people ever share one.

A worktree is ``<readable>-<digest>``. The digest covers what never changes, the hub's own identity of a user, and the
server's name; the readable part is for people and follows a user who is renamed. Who was provisioned from a list of
names, before the hub knew them, is digested by name until the first spawn.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

USER = "hub.user"
SERVER = "hub.server"
IDENTITY = "hub.identity"

_USER_LONGEST = 40
_SERVER_LONGEST = 20
DIGITS = 20


@dataclass(frozen=True)
class Person:
    """Whose worktree: a user's server by name, empty for the default one.

    ``identity`` is what the hub never gives to anybody else; None for who is known by name only.
    """

    user: str
    server: str = ""
    identity: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this person's worktree."""
        known = {} if self.identity is None else {IDENTITY: self.identity}
        return {USER: self.user, SERVER: self.server, **known}

    def owns(self, labels: Mapping[str, str]) -> bool:
        """Return whether a worktree with these labels is this person's; one provisioned by name only, too."""
        if labels.get(SERVER) != self.server:
            return False
        known = labels.get(IDENTITY)
        if known is None or self.identity is None:
            return labels.get(USER) == self.user
        return known == self.identity

    def by_name(self) -> Person:
        """Return the person as a list of names knows them."""
        return Person(self.user, self.server)


def worktree_name(person: Person) -> str:
    """Return the name of a person's worktree: letters, digits and dashes, at most 82 characters."""
    parts = [_readable(person.user, _USER_LONGEST) or "user", _readable(person.server, _SERVER_LONGEST)]
    return "-".join([*filter(None, parts), digest(person)])


def digest(person: Person) -> str:
    """Return the end of the worktree's name, which is the person's alone: 80 bits of SHA-256."""
    kind, who = ("name", person.user) if person.identity is None else ("identity", person.identity)
    fields = [part.encode("utf-8", "surrogatepass") for part in (kind, who, person.server)]
    data = b"".join(len(part).to_bytes(8, "big") + part for part in fields)
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def session_name(person: Person) -> str:
    """Return the session that a person's server holds its lock in, the same at every start."""
    return f"hub-{digest(person)}"


def _readable(text: str, longest: int) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:longest].rstrip("-")
