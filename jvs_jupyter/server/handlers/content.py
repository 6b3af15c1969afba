"""``snapshots/{id}/content``: one file of a snapshot, whole or a range of it, never as something a browser runs."""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from jvs_core import JvsError, SnapshotFile
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.handlers.base import Handler, route

_AT_FIRST = 8 << 20
"""So much is read before anything is sent: a damaged file that is no larger is an error, not a cut connection."""
_CHUNK = 1 << 20


class Download(Handler):
    """Sending the bytes of a file that history holds."""

    @property
    def content_security_policy(self) -> str:
        """Let a browser that shows it anyway run and load nothing."""
        return "default-src 'none'; sandbox; frame-ancestors 'none'"

    async def serve(self, file: str, stream: SnapshotFile, *, send: bool) -> None:
        """Answer with an opened file, or its headers, and close it."""
        try:
            self._describe(file, stream.sha256)
            if self.check_etag_header():
                self.set_status(HTTPStatus.NOT_MODIFIED)
                self.finish(set_content_type="application/octet-stream")
                return
            start, end = self._range(stream.size, stream.sha256)
            if send:
                await self._send(stream, start, end)
            else:
                self.set_header("Content-Length", str(end - start))
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

    async def _send(self, stream: SnapshotFile, start: int, end: int) -> None:
        """Send the bytes from ``start`` to ``end``, all of the file hashed on the way, a part of it checked before.

        Raises what reading raises before anything was sent. After that the connection is cut: what came is not complete.
        """
        if end - start < stream.size:
            await self.call(stream.check)
        await self.call(stream.seek, start)
        chunk = await self.call(stream.read, min(_AT_FIRST, end - start))
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(end - start))
        left = end - start
        while chunk:
            self.write(chunk)
            await self.flush()
            left -= len(chunk)
            try:
                chunk = await self.call(stream.read, min(_CHUNK, left))
            except JvsError as error:
                self.log.error("%s was cut short: %s: %s", self.request.path, error.code, error.message)
                self.detach().close()
                raise StreamClosedError(error) from error

    def refuse(self, error: JvsError | RequestError) -> None:
        """Answer with the error object, which is no download."""
        for name in ("Accept-Ranges", "Content-Disposition", "Etag"):
            self.clear_header(name)
        if not isinstance(error, RequestError):
            self.clear_header("Content-Range")
        super().refuse(error)


class ContentHandler(Download):
    """The bytes of a file of a snapshot."""

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
        stream = await self.call(place.repository.open_file, snapshot, query["file"])
        await self.serve(query["file"], stream, send=send)


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
