"""What each route answers when something is wrong: the contract's status and code, never a trace."""

from __future__ import annotations

import errno
import json
from typing import Any

from jvs_core import JvsError, Repository
from jvs_core.errors import EngineFailed, NoSpace, error_classes
from jvs_jupyter.server.errors import status_of
from tests.jupyter.server.interface import Interface

MISSING = "0000000000000-00000000"


MISTAKES: list[tuple[str, str, Any, dict[str, Any], int, str | None]] = [
    ("GET", "workspace", None, {"path": "elsewhere"}, 404, "E_NOT_A_REPOSITORY"),
    ("GET", "workspace", None, {}, 404, "E_NOT_A_REPOSITORY"),
    ("GET", "workspace", None, {"path": "team", "limit": "many"}, 422, "E_USAGE"),
    ("GET", "workspace", None, {"path": "team", "limit": 5000}, 422, "E_USAGE"),
    ("POST", "repositories", {"path": "team"}, {}, 409, "E_ALREADY_EXISTS"),
    ("POST", "repositories", {"path": "."}, {}, 400, "E_USAGE"),
    ("POST", "repositories", {"path": "new", "from": "nowhere"}, {}, 404, "E_PATH_NOT_FOUND"),
    ("POST", "repositories", {"path": "new", "engine": "magic"}, {}, 400, "E_USAGE"),
    ("POST", "repositories", {"path": "new/"}, {}, 201, None),
    ("POST", "repositories", {}, {}, 422, "E_USAGE"),
    ("GET", "snapshots", None, {"path": "team", "limit": 0}, 422, "E_USAGE"),
    ("GET", "snapshots", None, {"path": "team", "all": "perhaps"}, 422, "E_USAGE"),
    ("GET", "snapshots", None, {"path": "team", "before": "x"}, 422, "E_USAGE"),
    ("GET", "snapshots", None, {"path": "team", "before": MISSING}, 404, "E_SNAPSHOT_NOT_FOUND"),
    ("POST", "snapshots", {"path": "nowhere"}, {}, 404, "E_NOT_A_REPOSITORY"),
    ("POST", "snapshots", {"path": "team", "note": 5}, {}, 422, "E_USAGE"),
    ("POST", "snapshots", {"path": "team", "colour": "red"}, {}, 422, "E_USAGE"),
    ("POST", "snapshots", {"path": "team", "note": "\ud800"}, {}, 422, "E_USAGE"),
    ("POST", "snapshots", {"path": "team", "consistency": "none"}, {}, 422, "E_USAGE"),
    ("POST", "snapshots", [], {}, 422, "E_USAGE"),
    ("GET", f"snapshots/{MISSING}", None, {"path": "team"}, 404, "E_SNAPSHOT_NOT_FOUND"),
    ("GET", "snapshots/no%20name", None, {"path": "team"}, 422, "E_USAGE"),
    ("GET", "snapshots/HEAD/files", None, {"path": "team", "dir": "nope"}, 404, "E_PATH_NOT_FOUND"),
    ("GET", "snapshots/HEAD/files", None, {"path": "team", "after": "!"}, 422, "E_USAGE"),
    ("GET", "snapshots/HEAD/content", None, {"path": "team"}, 422, "E_USAGE"),
    ("GET", "snapshots/HEAD/content", None, {"path": "team", "file": "x"}, 404, "E_PATH_NOT_FOUND"),
    ("GET", "snapshots/HEAD/content", None, {"path": "team", "file": "data"}, 404, "E_PATH_NOT_FOUND"),
    ("GET", "compare", None, {"path": "team"}, 422, "E_USAGE"),
    ("GET", "compare", None, {"path": "team", "from_": "nope"}, 404, "E_SNAPSHOT_NOT_FOUND"),
    ("POST", "restores", {"path": "team"}, {}, 422, "E_USAGE"),
    ("POST", "restores", {"path": "team", "snapshot": "nope"}, {}, 404, "E_SNAPSHOT_NOT_FOUND"),
    ("POST", "restores", {"path": "team", "snapshot": "HEAD", "inplace": True}, {}, 400, "E_USAGE"),
    (
        "POST",
        "restores",
        {"path": "team", "snapshot": "HEAD", "inplace": True, "reason": "r"},
        {},
        400,
        "E_USAGE",
    ),
    (
        "POST",
        "restores",
        {"path": "team", "snapshot": "HEAD", "inplace": True, "reason": " ", "confirm": True},
        {},
        400,
        "E_USAGE",
    ),
    ("POST", "restores", {"path": "team", "snapshot": "HEAD", "to": "x"}, {}, 400, "E_USAGE"),
    (
        "POST",
        "restores",
        {"path": "team", "snapshot": "HEAD", "named": True, "name": "x"},
        {},
        400,
        "E_USAGE",
    ),
    ("POST", "restores", {"path": "team", "snapshot": "HEAD", "dry_run": True}, {}, 400, "E_USAGE"),
    ("POST", "undo", {"path": "team", "confirm": False}, {}, 400, "E_USAGE"),
    ("POST", "worktrees", {"path": "team", "name": "main"}, {}, 400, "E_NAME_INVALID"),
    ("POST", "worktrees", {"path": "team", "name": "a/b"}, {}, 400, "E_NAME_INVALID"),
    ("PATCH", "worktrees/nope", {"path": "team", "name": "x"}, {}, 404, "E_WORKTREE_NOT_FOUND"),
    ("DELETE", "worktrees/nope", None, {"path": "team"}, 404, "E_WORKTREE_NOT_FOUND"),
    ("DELETE", "worktrees/main", None, {"path": "team"}, 400, "E_USAGE"),
    ("POST", "refs", {"path": "team", "name": "HEAD", "snapshot": "HEAD"}, {}, 400, "E_NAME_INVALID"),
    ("DELETE", "refs/nope", None, {"path": "team"}, 404, "E_REF_NOT_FOUND"),
    ("DELETE", "locks", None, {"path": "team"}, 409, "E_LOCK_NOT_HELD"),
    ("POST", "locks", {"path": "team", "wait_s": -1}, {}, 422, "E_USAGE"),
    ("GET", "operations/" + "0" * 32, None, {}, 404, "E_OPERATION_NOT_FOUND"),
    ("DELETE", "operations/" + "0" * 32, None, {}, 404, "E_OPERATION_NOT_FOUND"),
    ("GET", "operations/1", None, {}, 422, "E_USAGE"),
]


async def test_a_mistake_is_told_by_status_and_code(server: Interface, repo: Repository) -> None:
    repo.snapshot(lock=True)
    for method, route, body, query, status, code in MISTAKES:
        answer = await server.ask(method, route, body, **query)
        assert answer.status == status, (method, route, body, query, answer.data)
        if code is not None:
            assert answer.code == code, (method, route, body, query, answer.data)


async def test_a_name_taken_is_a_conflict(server: Interface, repo: Repository) -> None:
    repo.snapshot(lock=True)
    for _ in range(2):
        answer = await server.ask("POST", "refs", {"path": "team", "name": "a", "snapshot": "HEAD"})
    assert (answer.status, answer.code) == (409, "E_ALREADY_EXISTS")
    for _ in range(2):
        answer = await server.ask("POST", "worktrees", {"path": "team", "name": "a"})
    assert (answer.status, answer.code) == (409, "E_ALREADY_EXISTS")


async def test_unsaved_changes_keep_a_worktree(server: Interface, repo: Repository) -> None:
    repo.snapshot(lock=True)
    await server.ask("POST", "worktrees", {"path": "team", "name": "trial"})
    (repo.root / "worktrees" / "trial" / "new.txt").write_text("new")
    kept = await server.ask("DELETE", "worktrees/trial", path="team")
    assert (kept.status, kept.code) == (409, "E_UNSAVED_CHANGES")
    assert (await server.ask("DELETE", "worktrees/trial", path="team", force=True)).status == 204


NO_JSON = ["", "{", '"\\ud800"', "[" * 100_000, '{"path": NaN}', "\0", '{"note": "a" "b"}']


async def test_what_is_no_json_is_bad_input(server: Interface, repo: Repository) -> None:
    for body in NO_JSON:
        answer = await server.raw("POST", "snapshots", body=body)
        assert answer.status in (400, 422), answer.data
        assert answer.code == "E_USAGE"


async def test_a_body_too_large_is_refused(server: Interface, repo: Repository) -> None:
    answer = await server.raw("POST", "snapshots", body=json.dumps({"note": "x" * (1 << 20)}))
    assert answer.status == 413


async def test_a_route_or_method_that_is_none_is_refused_in_json(server: Interface) -> None:
    assert (await server.raw("GET", "nothing/here")).status == 404
    answer = await server.raw("PUT", "snapshots", body="{}")
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "E_HTTP", "GET, POST")


async def test_a_damaged_snapshot_is_a_conflict_with_what_to_do(server: Interface, repo: Repository) -> None:
    taken = repo.snapshot(lock=True)
    (repo.root / ".jvs" / "snapshots" / taken.snapshot_id / "manifest").write_bytes(b"")
    answer = await server.ask("GET", "snapshots/HEAD/files", path="team")
    assert answer.status == 409
    assert "jvs verify" in answer.json["error"]["hint"]


def test_every_error_of_the_core_has_a_status_of_the_contract() -> None:
    for error in error_classes():
        expected = {400, 403, 404, 409, 507} if error.code not in ("E_INTERNAL", "E_ENGINE_FAILED") else {500}
        assert status_of(error("message")) in expected, error.code
    assert status_of(NoSpace("full")) == 507
    assert status_of(JvsError("unexpected")) == 500


def test_what_the_file_system_keeps_from_this_user_is_forbidden() -> None:
    error = EngineFailed("/somebody/else's: Permission denied")
    error.__cause__ = PermissionError()
    assert status_of(error) == 403
    error.__cause__ = OSError(errno.EROFS, "Read-only file system")
    assert status_of(error) == 403
    error.__cause__ = OSError(errno.EIO, "Input/output error")
    assert status_of(error) == 500
