"""The content of a file is what the manifest says, or an error, or visibly cut."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.payload.check import checked_file
from jvs_core.payload.check.checked_file import Digests
from jvs_core.payload.tree.content import hash_fd
from tests.jupyter.server.interface import Interface
from tests.support.damage import DAMAGES, payload_file, rot

ROUTE = "snapshots/HEAD/content"
CSV: dict[str, Any] = {"path": "team", "file": "data/a.csv"}
LARGE: dict[str, Any] = {"path": "team", "file": "large"}


@pytest.fixture(autouse=True)
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Begin with nothing remembered, take every state for a settled one; return the sizes of files read for a part."""
    sizes: list[int] = []

    def noted(fd: int, size: int) -> bytes:
        sizes.append(size)
        return hash_fd(fd, size)

    monkeypatch.setattr(checked_file, "DIGESTS", Digests())
    monkeypatch.setattr(checked_file, "SETTLED_NS", -(10**18))
    monkeypatch.setattr(checked_file, "hash_fd", noted)
    return sizes


@pytest.fixture
def large(repo: Repository) -> bytes:
    """Take a snapshot with a file that is larger than what is read before anything is sent; return its content."""
    content = os.urandom(10 << 20)
    (repo.root / "main" / "large").write_bytes(content)
    repo.snapshot(lock=True)
    return content


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_a_conflict_for_the_whole_and_for_a_range(
    server: Interface, repo: Repository, damage: str
) -> None:
    repo.snapshot(lock=True)
    DAMAGES[damage](payload_file(repo, "HEAD", "data/a.csv"))
    for headers in ({}, {"Range": "bytes=1-2"}, {"Range": "bytes=-1"}):
        answer = await server.ask("GET", ROUTE, headers=headers, **CSV)
        assert (answer.status, answer.code) == (409, "E_PAYLOAD_HASH_MISMATCH")
        for name in ("ETag", "Content-Disposition", "Content-Range", "Accept-Ranges"):
            assert name not in answer.headers


async def test_a_range_is_held_against_the_manifest_once_while_the_inode_stays(
    server: Interface, repo: Repository, large: bytes, hashed: list[int]
) -> None:
    async def part(start: int) -> Any:
        return await server.ask("GET", ROUTE, headers={"Range": f"bytes={start}-{start + 9}"}, **LARGE)

    for start in (0, 100, 9 << 20):
        answer = await part(start)
        assert (answer.status, answer.data) == (206, large[start : start + 10])
    assert hashed == [len(large)]
    rot(payload_file(repo, "HEAD", "large"), at=5 << 20)
    for start in (0, 100, 5 << 20):
        answer = await part(start)
        assert (answer.status, answer.code) == (409, "E_PAYLOAD_HASH_MISMATCH")
    rot(payload_file(repo, "HEAD", "large"), at=5 << 20)
    assert (await part(0)).data == large[:10]


async def test_a_large_file_is_sent_whole(server: Interface, large: bytes) -> None:
    answer = await server.ask("GET", ROUTE, **LARGE)
    assert (answer.status, answer.data == large) == (200, True)
    assert answer.headers["Content-Length"] == str(len(large))
    whole = await server.ask("GET", ROUTE, headers={"Range": "bytes=0-"}, **LARGE)
    assert (whole.status, whole.data == large) == (206, True)


async def test_a_large_damaged_file_is_cut_before_its_end_and_refused_the_next_time(
    server: Interface, repo: Repository, large: bytes, jp_serverapp: Any, http_server_port: Any
) -> None:
    rot(payload_file(repo, "HEAD", "large"), at=9 << 20)
    reader, writer = await asyncio.open_connection("127.0.0.1", http_server_port[1])
    address = f"{server.base}jvs/api/v1/{ROUTE}?path=team&file=large"
    token = server.headers["Authorization"]
    writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n\r\n".encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert f"Content-Length: {len(large)}".encode() in head
    assert len(body) < len(large)
    assert large.startswith(body)
    answer = await server.ask("GET", ROUTE, **LARGE)
    assert (answer.status, answer.code) == (409, "E_PAYLOAD_HASH_MISMATCH")
    rot(payload_file(repo, "HEAD", "large"), at=9 << 20)
    assert (await server.ask("GET", ROUTE, **LARGE)).data == large


async def test_headers_alone_do_not_read_the_file(
    server: Interface, repo: Repository, large: bytes, hashed: list[int]
) -> None:
    head = await server.ask("HEAD", ROUTE, **LARGE)
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(large)))
    again = await server.ask("GET", ROUTE, headers={"If-None-Match": head.headers["ETag"]}, **LARGE)
    assert again.status == 304
    assert hashed == []
    file: Path = payload_file(repo, "HEAD", "large")
    os.truncate(file, 5)
    assert (await server.ask("HEAD", ROUTE, **LARGE)).status == 409


async def test_a_snapshot_that_gc_removed_is_not_found(
    server: Interface, repo: Repository, large: bytes
) -> None:
    first = repo.resolve("HEAD")
    (repo.root / "main" / "more").touch()
    repo.snapshot(lock=True)
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    answer = await server.ask("GET", f"snapshots/{first}/content", **LARGE)
    assert (answer.status, answer.code) == (404, "E_SNAPSHOT_EXPIRED")
