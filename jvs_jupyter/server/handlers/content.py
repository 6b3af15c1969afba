"""``snapshots/{id}/content``: one file of a snapshot, whole or a range of it, never as something a browser runs."""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from jvs_core import Repository
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.handlers.base import Handler, route

_CHUNK = 1 << 18


class ContentHandler(Handler):
    """The bytes of a file."""

    @property
    def content_security_policy(self) -> str:
        """Let a browser that shows it anyway run and load nothing."""
        return "default-src 'none'; sandbox; frame-ancestors 'none'"

    @route("getContent")
    async def get(self, id: str) -> None:  # noqa: A002 - the address names it so
        """Send it."""
        await self._serve(id, send=True)

    @route("headContent")
    async def head(self, id: str) -> None:  # noqa: A002
        """Send its headers."""
        await self._serve(id, send=False)

    async def _serve(self, snapshot: str, *, send: bool) -> None:
        query = self.query()
        place = await self.place(query["path"])
        stream, etag, size = await self.call(_open, place.repository, snapshot, query["file"])
        try:
            self._describe(query["file"], etag)
            if self.check_etag_header():
                self.set_status(HTTPStatus.NOT_MODIFIED)
                self.finish(set_content_type="application/octet-stream")
                return
            start, end = self._range(size, etag)
            self.set_header("Content-Length", str(end - start))
            if send:
                await self._send(stream, start, end)
            self.finish(set_content_type="application/octet-stream")
        finally:
            await self.call(stream.close)

    def _describe(self, file: str, etag: str) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", disposition(file))
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Etag", f'"{etag}"')

    def _range(self, size: int, etag: str) -> tuple[int, int]:
        """Return first byte and the one past the last, status and header set. Raises RequestError (416)."""
        asked = byte_range(self.request.headers.get("Range", ""), size)
        if asked is None or self.request.headers.get("If-Range", f'"{etag}"') != f'"{etag}"':
            return 0, size
        start, end = asked
        if start >= end:
            self.set_header("Content-Range", f"bytes */{size}")
            raise RequestError(416, "E_USAGE", f"the file has {size} bytes: there is no such range")
        self.set_status(HTTPStatus.PARTIAL_CONTENT)
        self.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        return start, end

    async def _send(self, stream: BinaryIO, start: int, end: int) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        position = start
        while position < end:
            chunk = await self.call(os.pread, stream.fileno(), min(_CHUNK, end - position), position)
            if not chunk:
                break  # shorter than its manifest says: tornado closes the connection, the client sees it cut
            self.write(chunk)
            await self.flush()
            position += len(chunk)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the one range that a ``Range`` header asks for, cut to ``size``; None for none or several (RFC 9110)."""
    found = re.fullmatch(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", header)
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return max(size - int(found[2]), 0), size if int(found[2]) else 0
    if found[2] and int(found[2]) < int(found[1]):
        return None
    return int(found[1]), min(int(found[2]) + 1, size) if found[2] else size


def disposition(file: str) -> str:
    """Return a ``Content-Disposition`` that makes a download of a file, whatever its name holds."""
    name = os.fsencode(file).rpartition(b"/")[2].decode("utf-8", "replace")
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-()") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _open(repository: Repository, snapshot: str, file: str) -> tuple[BinaryIO, str, int]:
    snapshot_id = repository.resolve(snapshot)
    entry = repository.stat(snapshot_id, file)
    stream = repository.open_file(snapshot_id, file)
    return stream, entry.sha256 or "", os.fstat(stream.fileno()).st_size
