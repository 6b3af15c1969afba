"""Who a command is for: names from a file, or everybody the hub knows."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jvs_core import InputError
from jvs_jupyter.hub.names import Person

_PAGE = 200
_PAGED = "application/jupyterhub-pagination+json"
_TIMEOUT_S = 30


def from_file(path: str) -> list[Person]:
    """Return the people of a file (``-``: standard input), each once.

    One user a line, a named server after a tab; empty lines and those that begin with ``#`` are left out. Raises
    InputError.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"JVS cannot read the list of users {path!r}: {error}") from error
    found: dict[Person, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        user, _, server = line.rstrip("\r").partition("\t")
        if user.strip() and not user.startswith("#"):
            require_plain(Person(user, server), f"line {number} of {path}: ")
            found[Person(user, server)] = None
    return list(found)


def require_plain(person: Person, where: str = "") -> None:
    """Raise InputError for a name with blanks around it, which is nobody's."""
    for name in (person.user, person.server):
        if name != name.strip():
            raise InputError(f"{where}there is a space before or after the name {name!r}", hint="remove them")


def from_hub(group: str | None = None) -> Iterator[Person]:
    """Yield the users of the hub, or of one of its groups, with their named servers, a page at a time.

    ``JUPYTERHUB_API_URL`` and ``JUPYTERHUB_API_TOKEN`` say where the hub is; the token's scopes are ``list:users``,
    ``read:users:groups`` and ``read:servers``. Raises InputError.
    """
    url, token = os.environ.get("JUPYTERHUB_API_URL"), os.environ.get("JUPYTERHUB_API_TOKEN")
    if not url or not token:
        raise InputError(
            "JVS does not know the address of the hub", hint="set JUPYTERHUB_API_URL and JUPYTERHUB_API_TOKEN"
        )
    offset: int | None = 0
    while offset is not None:
        page = _get(f"{url.rstrip('/')}/users?offset={offset}&limit={_PAGE}&include_stopped_servers=1", token)
        for user in page["items"]:
            if group is None or group in user.get("groups", ()):
                yield Person(user["name"])
                yield from (Person(user["name"], server) for server in user.get("servers") or {} if server)
        following = page["_pagination"]["next"]
        offset = following["offset"] if following else None


def _get(url: str, token: str) -> dict[str, Any]:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"JUPYTERHUB_API_URL is not a web address: {url!r}")
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}", "Accept": _PAGED})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise InputError(
            f"the hub refuses the request: {error.code} {error.reason}",
            hint="the token needs the scopes list:users, read:users:groups and read:servers",
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"the hub at {url} does not answer: {error}") from error
    return found
