"""What must not be possible: asking without right, reaching out of the root, running what a file holds."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from jupyter_server.auth import Authorizer
from tornado.httputil import parse_cookie

from jvs_core import Repository
from jvs_jupyter.server import specification
from jvs_jupyter.server.handlers.content import disposition
from tests.jupyter.server.interface import Interface

SECRET = "what nobody may see"
BODIES: dict[str, dict[str, Any]] = {
    "createRepository": {"path": "new"},
    "createSnapshot": {"path": "team"},
    "createRestore": {"path": "team", "snapshot": "HEAD"},
    "undo": {"path": "team", "confirm": True},
    "createWorktree": {"path": "team", "name": "trial"},
    "renameWorktree": {"path": "team", "name": "tried"},
    "createRef": {"path": "team", "name": "a", "snapshot": "HEAD"},
    "createPin": {"path": "team", "snapshot": "HEAD"},
    "keepLock": {"path": "team"},
}


class ReadOnly(Authorizer):
    """Lets everybody look and nobody touch."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read"


def operations() -> list[tuple[str, str, str]]:
    """Return method, address and operation id of everything that the OpenAPI file names."""
    filled = {"{id}": "HEAD", "{name}": "trial", "{pin}": "0" * 12, "{operation}": "0" * 32, "{run}": "1"}
    found = []
    for path, item in specification.document()["paths"].items():
        address = path.strip("/")
        for name, value in filled.items():
            address = address.replace(name, value)
        found += [
            (method.upper(), address, operation["operationId"])
            for method, operation in item.items()
            if method in ("get", "head", "post", "patch", "delete")
        ]
    return found


def state(root: Path) -> list[tuple[str, int]]:
    """Return every name below a folder, with its size, but for what locks and caches leave."""
    return sorted(
        (str(path.relative_to(root)), path.lstat().st_size)
        for path in root.rglob("*")
        if "locks" not in path.parts
    )


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder beside the server's root that holds a secret and a repository."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    other = Repository.init(folder / "other", engine="copy")
    (other.root / "main" / "secret.txt").write_text(SECRET)
    other.snapshot(SECRET, lock=True)
    return folder


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}])
async def test_who_does_not_say_who_asks_gets_nothing(
    server: Interface, repo: Repository, headers: dict[str, str]
) -> None:
    repo.snapshot("quiet", lock=True)
    before = state(repo.root)
    for method, address, operation_id in operations():
        body = json.dumps(BODIES.get(operation_id)) if operation_id in BODIES else None
        answer = await server.raw(
            method, f"{address}?path=team&from=HEAD&file=notes.txt", headers=headers, body=body
        )
        assert answer.status == 403, (method, address, answer.data)
        if method != "HEAD":
            assert answer.code == "E_FORBIDDEN"
        assert b"quiet" not in answer.data
    assert (await server.raw("GET", "nothing/here", headers=headers)).status == 403
    assert state(repo.root) == before


async def test_a_cookie_alone_changes_nothing(server: Interface, repo: Repository) -> None:
    token = server.headers["Authorization"].removeprefix("token ")
    first = await server.raw("GET", f"workspace?path=team&token={token}", headers={})
    cookies = {}
    for line in first.headers.get_list("Set-Cookie"):
        cookies.update(parse_cookie(line.split(";")[0]))
    assert cookies
    with_cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert (await server.raw("GET", "workspace?path=team", headers=with_cookie)).status == 200
    body = json.dumps({"path": "team"})
    refused = await server.raw("POST", "snapshots", headers=with_cookie, body=body)
    assert (refused.status, refused.code) == (403, "E_FORBIDDEN")
    assert "_xsrf" in refused.json["error"]["message"]
    for method, address, operation_id in operations():
        if method in ("GET", "HEAD"):
            continue
        sent = json.dumps(BODIES.get(operation_id)) if operation_id in BODIES else None
        answer = await server.raw(method, f"{address}?path=team", headers=with_cookie, body=sent)
        assert answer.status == 403, (method, address, answer.data)
    assert repo.history() == []
    wrong = {**with_cookie, "X-XSRFToken": "guessed"}
    assert (await server.raw("POST", "snapshots", headers=wrong, body=body)).status == 403


class TestReadOnly:
    """A user who may look and not touch."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["authorizer_class"] = ReadOnly
        return jp_server_config

    async def test_reading_is_allowed_and_writing_is_not(self, server: Interface, repo: Repository) -> None:
        repo.snapshot(lock=True)
        before = state(repo.root)
        for method, address, operation_id in operations():
            body = json.dumps(BODIES.get(operation_id)) if operation_id in BODIES else None
            query = "path=team&from=HEAD&file=notes.txt&q=notes&snapshot=HEAD&a=one&b=other"
            answer = await server.raw(method, f"{address}?{query}", body=body)
            if method in ("GET", "HEAD"):
                assert answer.status in (200, 404), (method, address, answer.data)
            else:
                assert (answer.status, answer.code) == (403, "E_FORBIDDEN"), (method, address)
        assert state(repo.root) == before

    async def test_the_workspace_says_so(self, server: Interface, repo: Repository) -> None:
        repo.snapshot(lock=True)
        can = (await server.ask("GET", "workspace", path="team")).json["can"]
        assert not any(can.values())


ESCAPES = [
    "../outside",
    "..",
    "team/../../outside",
    "/etc",
    "{outside}",
    "link",
    "link/secret.txt",
    "link/other",
    "team/main/link/other/main",
    "%2e%2e/outside",
    "..%2foutside",
    "a\0b",
    "x" * 300,
    "evil",
    "file.txt/..",
]


async def test_no_path_leads_out_of_the_root(
    server: Interface, repo: Repository, jp_root_dir: Path, outside: Path
) -> None:
    repo.snapshot(lock=True)
    (jp_root_dir / "file.txt").write_text("a file")
    (jp_root_dir / "link").symlink_to(outside)
    (repo.root / "main" / "link").symlink_to(outside)
    (jp_root_dir / "evil").mkdir()
    (jp_root_dir / "evil" / ".jvs").symlink_to(outside / "other" / ".jvs")
    (jp_root_dir / "evil" / "main").symlink_to(outside / "other" / "main")
    before = state(outside)
    for escape in ESCAPES:
        path = escape.format(outside=outside)
        for method, address, operation_id in operations():
            if "createRepository" in operation_id or "operations/" in address:
                continue
            given = {**BODIES.get(operation_id, {}), "path": path} if operation_id in BODIES else None
            answer = await server.raw(
                method,
                f"{address}?path={quote(path, safe='')}&from=HEAD&file=secret.txt",
                body=None if given is None else json.dumps(given),
            )
            if operation_id == "getAdoption" and answer.status == 200:  # it says why nothing can be done
                found = answer.json
                assert (found["how"], found["files"], found["heavy"]) == (None, 0, []), (path, found)
                continue
            assert answer.status in (400, 403, 404, 409, 422), (method, address, path, answer.data)
            assert SECRET.encode() not in answer.data
    assert state(outside) == before


async def test_no_repository_is_made_outside_or_from_outside(
    server: Interface, jp_root_dir: Path, outside: Path
) -> None:
    (jp_root_dir / "link").symlink_to(outside)
    before = state(outside)
    for escape in ["../fresh", "link/fresh", "link", f"{outside}/fresh", "a\0b", "..", ".", "link/../fresh"]:
        answer = await server.ask("POST", "repositories", {"path": escape})
        assert answer.status in (400, 404, 409, 422), (escape, answer.data)
    for source in ["../outside", "link", "link/other", str(outside)]:
        answer = await server.ask("POST", "repositories", {"path": "fresh", "from": source})
        assert (answer.status, answer.code) == (400, "E_PATH_ESCAPE"), source
    assert state(outside) == before
    assert not (jp_root_dir / "fresh").exists()


async def test_no_name_or_path_inside_a_snapshot_leads_out(
    server: Interface, repo: Repository, outside: Path
) -> None:
    (repo.root / "main" / "link").symlink_to(outside)
    (repo.root / "main" / "secret").symlink_to(outside / "secret.txt")
    repo.snapshot(lock=True)
    before = state(outside)
    inner = [
        "../secret.txt",
        "/etc/passwd",
        f"{outside}/secret.txt",
        "link/secret.txt",
        "secret",
        "..",
        "a\0b",
    ]
    inner += ["data/../../../.jvs/repo_id", "../.jvs/repo_id", "%2e%2e/main", "./..//x"]
    for path in inner:
        for route in ("snapshots/HEAD/content", "snapshots/HEAD/files"):
            answer = await server.ask("GET", route, path="team", file=path, dir=path)
            if route.endswith("files") and path == "secret":
                assert answer.json["items"][0]["type"] == "symlink"  # the link itself, never where it leads
                continue
            assert answer.status in (400, 404), (route, path, answer.data)
            assert SECRET.encode() not in answer.data
        restore = {"path": "team", "snapshot": "HEAD", "file": "notes.txt", "to": path}
        if path not in ("secret", "%2e%2e/main"):
            answer = await server.ask(
                "POST", "restores", {**restore, "inplace": True, "reason": "r", "confirm": True}
            )
            if answer.status == 202:
                assert (await server.done(answer))["state"] == "failed", path
        answer = await server.ask("GET", f"snapshots/{quote(path, safe='')}", path="team")
        assert answer.status in (404, 422), path
        answer = await server.ask("DELETE", f"worktrees/{quote(path, safe='')}", path="team")
        assert answer.status in (404, 422), path
        if path == "secret":
            continue  # a name like any other
        answer = await server.ask("POST", "worktrees", {"path": "team", "name": path})
        assert (answer.status, answer.code) == (400, "E_NAME_INVALID"), path
        answer = await server.ask("POST", "refs", {"path": "team", "name": path, "snapshot": "HEAD"})
        assert (answer.status, answer.code) == (400, "E_NAME_INVALID"), path
    assert state(outside) == before


class TestRootInsideAWorktree:
    """A server whose root lies inside a worktree works on the repository around it, unless it is told not to."""

    @pytest.fixture
    def team(self, tmp_path: Path, private_state: Path) -> Repository:
        team = Repository.init(tmp_path / "team", engine="copy")
        (team.root / "main" / "notes.txt").write_text("notes")
        team.snapshot(lock=True)
        team.worktrees.create("ann")
        team.worktrees.create("ben")
        return team

    @pytest.fixture
    def jp_root_dir(self, team: Repository) -> Path:
        return team.root / "worktrees" / "ann"

    @pytest.mark.parametrize("extension_config", [{"enclosing_repository": False}])
    async def test_told_not_to_it_says_which_folder_and_why(
        self, server: Interface, team: Repository
    ) -> None:
        answer = await server.ask("GET", "workspace")
        assert (answer.status, answer.code) == (403, "E_OUTSIDE_ROOT")
        said = answer.json["error"]
        assert str(team.root) in said["message"]
        assert "enclosing_repository" in said["message"]
        assert str(team.root) in said["hint"]
        assert (await server.ask("POST", "snapshots", {"path": ""})).status == 403
        assert len(team.history(every=True)) == 1

    async def test_only_its_own_worktree_is_changed(self, server: Interface, team: Repository) -> None:
        found = (await server.ask("GET", "workspace", path="notes.txt")).json
        assert (found["worktree"], found["worktree_path"], found["repo_path"]) == ("ann", "", None)
        assert found["inner_path"] == "notes.txt"
        assert (await server.snapshot(""))["worktree"] == "ann"
        for method, body in (("DELETE", None), ("PATCH", {"name": "x"})):
            answer = await server.ask(method, "worktrees/ben", body)
            assert (answer.status, answer.code) == (403, "E_FORBIDDEN")
        assert (await server.ask("GET", "workspace", path="../ben")).code == "E_PATH_ESCAPE"


class TestRootBesideTheWorktrees:
    """A server whose root lies in a repository, and in none of its worktrees."""

    @pytest.fixture
    def team(self, tmp_path: Path, private_state: Path) -> Repository:
        team = Repository.init(tmp_path / "team", engine="copy")
        team.worktrees.create("ann")
        return team

    @pytest.fixture
    def jp_root_dir(self, team: Repository) -> Path:
        return team.root / "worktrees"

    async def test_it_says_which_folder_and_why(self, server: Interface, team: Repository) -> None:
        answer = await server.ask("GET", "workspace", path="ann")
        assert (answer.status, answer.code) == (403, "E_OUTSIDE_ROOT")
        assert "none of its worktrees" in answer.json["error"]["message"]


NAMES = [
    "<img src=x onerror=alert(1)>.html",
    'a"; filename="evil.html',
    "line\r\nX-Evil: 1\r\n\r\n.html",
    "page.html",
    "picture.svg",
    "ünïcode \u202e.html",
    "back\\slash",
]


async def test_content_is_never_something_a_browser_runs(server: Interface, repo: Repository) -> None:
    page = "<script>alert(document.cookie)</script>"
    for name in NAMES:
        (repo.root / "main" / name).write_text(page)
    repo.snapshot(lock=True)
    for name in NAMES:
        answer = await server.ask("GET", "snapshots/HEAD/content", path="team", file=name)
        assert (answer.status, answer.data.decode()) == (200, page)
        headers = answer.headers
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Content-Disposition"].startswith("attachment; ")
        assert "X-Evil" not in headers
        assert headers["Content-Disposition"].count('"') == 2
    listing = await server.ask("GET", "snapshots/HEAD/files", path="team")
    assert listing.headers["Content-Type"] == "application/json"
    assert listing.headers["X-Content-Type-Options"] == "nosniff"


def test_a_download_keeps_its_name() -> None:
    assert disposition("data/a b.csv") == "attachment; filename=\"a b.csv\"; filename*=UTF-8''a%20b.csv"
    assert disposition("d/\udce9") == "attachment; filename=\"_\"; filename*=UTF-8''%EF%BF%BD"


async def test_an_error_shows_names_as_text(server: Interface, repo: Repository) -> None:
    repo.snapshot(lock=True)
    answer = await server.ask("GET", "snapshots/HEAD/content", path="team", file="<script>")
    assert answer.headers["Content-Type"] == "application/json"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_folder_of_ten_thousand_entries_comes_in_pages(server: Interface, repo: Repository) -> None:
    folder = repo.root / "main" / "many"
    folder.mkdir()
    for number in range(10_000):
        os.symlink("x", folder / f"{number:05}")  # quicker than files, and entries as they are
    changes = (await server.ask("GET", "workspace", path="team")).json["changes"]
    assert (changes["total"], len(changes["added"])) == (10_002, 200)
    repo.snapshot(lock=True)
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        query: dict[str, Any] = {"path": "team", "dir": "many", "limit": 1000, **after}
        answer = await server.raw("GET", f"snapshots/HEAD/files?{urlencode(query)}")
        assert len(answer.data) < 400_000
        seen += [item["path"] for item in answer.json["items"]]
        if answer.json["next"] is None:
            break
        after = {"after": answer.json["next"]}
    assert seen == [f"many/{number:05}" for number in range(10_000)]
    assert (
        await server.ask("GET", "snapshots/HEAD/files", path="team", dir="many", limit=10_000)
    ).status == 422


@pytest.mark.slow
@pytest.mark.further
async def test_a_file_of_five_gigabytes_is_read_by_range(server: Interface, repo: Repository) -> None:
    size = 5 * 1024**3
    with (repo.root / "main" / "large.bin").open("wb") as file:
        file.truncate(size)
        file.seek(size - 4)
        file.write(b"tail")
    repo.snapshot(lock=True)
    query: dict[str, Any] = {"path": "team", "file": "large.bin"}
    head = await server.ask("HEAD", "snapshots/HEAD/content", **query)
    assert head.headers["Content-Length"] == str(size)
    for asked, data in [
        (f"bytes={size - 6}-", b"\0\0tail"),
        ("bytes=-4", b"tail"),
        ("bytes=4294967296-4294967297", b"\0\0"),
    ]:
        answer = await server.ask("GET", "snapshots/HEAD/content", headers={"Range": asked}, **query)
        assert (answer.status, answer.data) == (206, data)
        assert answer.headers["Content-Range"].endswith(f"/{size}")


async def test_another_users_lock_cannot_be_given_back(server: Interface, repo: Repository) -> None:
    other = Repository(repo.root, settings=replace(repo.settings, user="ann", session="x"))
    other.locks.acquire()
    answer = await server.ask("DELETE", "locks", path="team")
    assert (answer.status, answer.code) == (409, "E_LOCK_NOT_HELD")
    assert other.locks.status().state == "held"
