"""Files of snapshots as resources: ``jvs://SNAPSHOT/PATH``, the path percent-encoded."""

from __future__ import annotations

import base64
import mimetypes
from urllib.parse import quote, unquote

from mcp_types import (
    BlobResourceContents,
    ListResourcesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from jvs_core import InputError, JvsError, Repository
from jvs_jupyter.agents import content
from jvs_jupyter.agents.bounds import WHOLE

SCHEME = "jvs://"
PAGE = 200
TEMPLATE = ResourceTemplate(
    name="file",
    title="A file of a snapshot",
    uri_template=SCHEME + "{snapshot}/{+path}",
    description="snapshot: an id, a unique prefix, a ref, HEAD or HEAD~N. path: from the worktree's top folder.",
)


def listing(repository: Repository, cursor: str | None) -> ListResourcesResult:
    """Return a page of the files of the head. Its cursor names the snapshot, so that later pages are of the same one.

    Raises InputError for a cursor that is none.
    """
    if cursor is None:
        try:
            snapshot, start = repository.resolve("HEAD"), 0
        except JvsError:  # there is no snapshot yet
            return ListResourcesResult(resources=[])
    else:
        snapshot, _, number = cursor.partition(":")
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise InputError(f"not a cursor: {cursor[:100]!r}")
        start = int(number)
    files = [entry for entry in repository.ls(snapshot, recursive=True) if entry.type == "file"]
    end = start + PAGE
    return ListResourcesResult(
        resources=[
            Resource(
                name=_shown(entry.path),
                uri=f"{SCHEME}{snapshot}/{_quoted(entry.path)}",
                mime_type=mimetypes.guess_type(entry.path)[0],
                size=entry.size,
            )
            for entry in files[start:end]
        ],
        next_cursor=f"{snapshot}:{end}" if end < len(files) else None,
    )


def reading(repository: Repository, uri: str) -> ReadResourceResult:
    """Return a whole file. Raises InputError for another address and for a file that is too long for one answer."""
    snapshot, slash, path = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not slash or not path:
        raise InputError(f"not a file of a snapshot: {uri[:200]!r}", hint="jvs://HEAD/path/of/file")
    path = unquote(path, errors="surrogateescape")
    with repository.open_file(unquote(snapshot), path) as file:
        if file.size > WHOLE:
            raise InputError(
                f"{_shown(path)} has {file.size:,} bytes; a resource has at most {WHOLE:,}",
                hint="read it in parts with the tool read",
            )
        data = file.read()
    text = content.as_text(data)
    kind = mimetypes.guess_type(path)[0]
    found = (
        BlobResourceContents(uri=uri, mime_type=kind, blob=base64.b64encode(data).decode("ascii"))
        if text is None
        else TextResourceContents(uri=uri, mime_type=kind or "text/plain", text=text)
    )
    return ReadResourceResult(contents=[found])


def _quoted(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"))


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
