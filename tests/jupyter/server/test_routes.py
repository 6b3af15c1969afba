"""What each route answers when all is well."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.jupyter.server.interface import Interface


def write(repo: Repository, path: str, text: str) -> None:
    (repo.root / "main" / path).write_text(text)


async def test_a_workspace_is_described(server: Interface, repo: Repository) -> None:
    found = (await server.ask("GET", "workspace", path="team/main/notes.txt")).json
    assert (found["worktree"], found["inner_path"]) == ("main", "notes.txt")
    assert (found["repo_path"], found["worktree_path"]) == ("team", "team/main")
    assert found["changes"]["added"] == ["data/a.csv", "notes.txt"]
    assert (found["head"], found["head_snapshot_id"]) == (None, None)
    assert found["snapshot_engine"] == "copy"
    assert found["can"] == {
        "snapshot": True,
        "restore": False,
        "restore_inplace": False,
        "undo": False,
        "redo": False,
        "lock": True,
        "release": False,
        "put_back": True,
        "timeline": True,
    }


async def test_a_workspace_after_a_snapshot_is_clean(server: Interface, repo: Repository) -> None:
    taken = await server.snapshot("team/main")
    found = (await server.ask("GET", "workspace", path="team/main/unsaved/new.ipynb")).json
    assert found["changes"] == {
        "clean": True,
        "total": 0,
        "truncated": False,
        "added": [],
        "modified": [],
        "removed": [],
    }
    assert found["head"]["snapshot_id"] == found["head_snapshot_id"] == taken["snapshot_id"]
    assert (found["can"]["restore"], found["can"]["restore_inplace"]) == (True, True)
    assert found["inner_path"] == "unsaved/new.ipynb"


async def test_what_lies_in_a_cache_is_no_change(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    (repo.root / "main" / ".ipynb_checkpoints").mkdir()
    write(repo, ".ipynb_checkpoints/a-checkpoint.ipynb", "{}")
    assert (await server.ask("GET", "workspace", path="team/main")).json["changes"]["clean"]
    write(repo, "b.txt", "x")
    changes = (await server.ask("GET", "workspace", path="team/main")).json["changes"]
    assert (changes["total"], changes["added"]) == (1, ["b.txt"])


async def test_changed_paths_are_bounded_and_counted(server: Interface, repo: Repository) -> None:
    for number in range(7):
        write(repo, f"{number}.txt", "x")
    changes = (await server.ask("GET", "workspace", path="team/main", limit=3)).json["changes"]
    assert (changes["total"], changes["truncated"], len(changes["added"])) == (9, True, 3)


async def test_a_repository_is_made(server: Interface, jp_root_dir: Path) -> None:
    answer = await server.ask("POST", "repositories", {"path": "fresh", "engine": "copy"})
    assert answer.status == 201, answer.data
    assert answer.json["contents_path"] == "fresh"
    assert Repository.open(jp_root_dir / "fresh").root == jp_root_dir / "fresh"


async def test_a_folder_is_adopted_and_stays(server: Interface, jp_root_dir: Path) -> None:
    (jp_root_dir / "old").mkdir()
    (jp_root_dir / "old" / "a.txt").write_text("a")
    answer = await server.ask("POST", "repositories", {"path": "new", "from": "old", "engine": "copy"})
    assert answer.status == 201, answer.data
    assert (jp_root_dir / "new" / "main" / "a.txt").read_text() == "a"
    assert (jp_root_dir / "old" / "a.txt").read_text() == "a"


async def test_a_snapshot_is_taken_and_listed(server: Interface, repo: Repository) -> None:
    taken = await server.snapshot("team/main", "first", tags=["t"])
    assert (taken["note"], taken["tags"], taken["files"]) == ("first", ["t"], 2)
    page = (await server.ask("GET", "snapshots", path="team")).json
    assert [item["snapshot_id"] for item in page["items"]] == [taken["snapshot_id"]]
    assert page["next"] is None
    assert repo.history()[0].descriptor.snapshot_id == taken["snapshot_id"]


@pytest.mark.parametrize("every", [False, True])
async def test_a_history_is_paged_without_gap_or_repetition(
    server: Interface, repo: Repository, every: bool
) -> None:
    taken = [repo.snapshot(f"number {n}", lock=True).snapshot_id for n in range(7)]
    seen: list[str] = []
    before: dict[str, Any] = {}
    sizes = []
    while True:
        page = (await server.ask("GET", "snapshots", path="team", limit=3, all=every, **before)).json
        seen += [item["snapshot_id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert seen == taken[::-1]
    assert sizes == [3, 3, 1]


async def test_a_page_that_ends_with_the_history_says_so(server: Interface, repo: Repository) -> None:
    for number in range(3):
        repo.snapshot(f"{number}", lock=True)
    page = (await server.ask("GET", "snapshots", path="team", limit=3)).json
    assert (len(page["items"]), page["next"]) == (3, None)


async def test_a_history_is_filtered_by_tag(server: Interface, repo: Repository) -> None:
    for number in range(6):
        repo.snapshot(f"{number}", tags=["odd"] if number % 2 else [], lock=True)
    page = (await server.ask("GET", "snapshots", path="team", limit=2, tag="odd")).json
    assert [item["note"] for item in page["items"]] == ["5", "3"]
    rest = (await server.ask("GET", "snapshots", path="team", limit=2, tag="odd", before=page["next"])).json
    assert [item["note"] for item in rest["items"]] == ["1"]
    assert rest["next"] is None


async def test_a_history_is_filtered_by_file(server: Interface, repo: Repository) -> None:
    repo.snapshot("made", lock=True)
    write(repo, "other.txt", "x")
    repo.snapshot("something else", lock=True)
    write(repo, "notes.txt", "changed")
    repo.snapshot("changed", lock=True)
    (repo.root / "main" / "notes.txt").unlink()
    repo.snapshot("gone", lock=True)
    page = (await server.ask("GET", "snapshots", path="team", file="notes.txt")).json
    assert [item["note"] for item in page["items"]] == ["gone", "changed", "made"]


async def test_a_snapshot_is_shown_by_ref_and_prefix(server: Interface, repo: Repository) -> None:
    taken = await server.snapshot("team/main", "first")
    repo.refs.create("best", "HEAD")
    for name in ("best", "HEAD", taken["snapshot_id"], taken["snapshot_id"][-8:]):
        found = (await server.ask("GET", f"snapshots/{name}", path="team")).json
        assert (found["snapshot_id"], found["refs"]) == (taken["snapshot_id"], ["best"])


async def test_a_folder_of_a_snapshot_is_listed(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    top = (await server.ask("GET", "snapshots/HEAD/files", path="team")).json
    assert [(item["path"], item["type"]) for item in top["items"]] == [
        ("data", "directory"),
        ("notes.txt", "file"),
    ]
    inner = (await server.ask("GET", "snapshots/HEAD/files", path="team", dir="data")).json
    assert [item["path"] for item in inner["items"]] == ["data/a.csv"]


async def test_names_that_are_not_utf8_come_through(server: Interface, repo: Repository) -> None:
    write(repo, os.fsdecode(b"caf\xe9.txt"), "latin")
    await server.snapshot("team/main")
    items = (await server.ask("GET", "snapshots/HEAD/files", path="team")).json["items"]
    assert "caf\udce9.txt" in [item["path"] for item in items]
    answer = await server.ask("GET", "snapshots/HEAD/content", path="team", file=b"caf\xe9.txt")
    assert answer.data == b"latin"
    restored = await server.done(
        await server.ask(
            "POST",
            "restores",
            {"path": "team", "snapshot": "HEAD", "file": "caf\udce9.txt", "to": "copy.txt"},
        )
    )
    assert restored["state"] == "done", restored
    assert (repo.root / "main" / "copy.txt").read_text() == "latin"


async def test_the_content_of_a_file_is_sent(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    answer = await server.ask("GET", "snapshots/HEAD/content", path="team", file="data/a.csv")
    assert (answer.status, answer.data) == (200, b"a,b\n1,2\n")
    head = await server.ask("HEAD", "snapshots/HEAD/content", path="team", file="data/a.csv")
    assert (head.status, head.data, head.headers["Content-Length"]) == (200, b"", "8")
    again = await server.ask(
        "GET",
        "snapshots/HEAD/content",
        headers={"If-None-Match": answer.headers["ETag"]},
        path="team",
        file="data/a.csv",
    )
    assert (again.status, again.data) == (304, b"")


RANGES = [
    ("bytes=0-0", 206, b"0"),
    ("bytes=2-4", 206, b"234"),
    ("bytes=8-", 206, b"89"),
    ("bytes=-3", 206, b"789"),
    ("bytes=-100", 206, b"0123456789"),
    ("bytes=5-1000", 206, b"56789"),
    ("bytes=10-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=4-2", 200, b"0123456789"),
    ("bytes=0-1,3-4", 200, b"0123456789"),
    ("lines=1-2", 200, b"0123456789"),
    ("bytes=", 200, b"0123456789"),
]


async def test_a_range_of_a_file_is_sent(server: Interface, repo: Repository) -> None:
    write(repo, "digits", "0123456789")
    repo.snapshot(lock=True)
    for asked, status, data in RANGES:
        answer = await server.ask(
            "GET", "snapshots/HEAD/content", headers={"Range": asked}, path="team", file="digits"
        )
        assert answer.status == status, asked
        if data is None:
            assert answer.headers["Content-Range"] == "bytes */10"
        else:
            assert (answer.data, answer.headers["Content-Length"]) == (data, str(len(data))), asked


async def test_an_empty_file_is_sent(server: Interface, repo: Repository) -> None:
    write(repo, "empty", "")
    repo.snapshot(lock=True)
    answer = await server.ask("GET", "snapshots/HEAD/content", path="team", file="empty")
    assert (answer.status, answer.data, answer.headers["Content-Length"]) == (200, b"", "0")


async def test_snapshots_and_the_present_are_compared(server: Interface, repo: Repository) -> None:
    first = repo.snapshot(lock=True).snapshot_id
    write(repo, "notes.txt", "changed")
    write(repo, "new.txt", "new")
    (repo.root / "main" / "data" / "a.csv").unlink()
    now = (await server.ask("GET", "compare", path="team", from_="HEAD")).json
    assert (now["from"], now["to"]) == (first, "main")
    assert (now["added"], now["modified"]) == (["new.txt"], ["notes.txt"])
    assert "data/a.csv" in now["removed"]
    assert now["counts"]["added"] == 1
    second = repo.snapshot(lock=True).snapshot_id
    between = (await server.ask("GET", "compare", path="team", from_=first, to=second)).json
    assert between["items"] == now["items"]
    assert between["to"] == second


async def test_a_comparison_is_paged(server: Interface, repo: Repository) -> None:
    repo.snapshot(lock=True)
    for number in range(5):
        write(repo, f"{number}.txt", "x")
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await server.ask("GET", "compare", path="team", from_="HEAD", limit=2, **after)).json
        seen += [item["path"] for item in page["items"]]
        assert page["counts"] == {"added": 5, "modified": 0, "removed": 0}
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [f"{number}.txt" for number in range(5)]


async def test_a_restore_makes_a_new_worktree(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    operation = await server.done(
        await server.ask("POST", "restores", {"path": "team", "snapshot": "HEAD", "name": "back"})
    )
    assert (operation["kind"], operation["state"]) == ("restore", "done")
    assert operation["result"]["contents_path"] == "team/worktrees/back"
    assert (repo.root / "worktrees" / "back" / "notes.txt").read_text() == "notes"
    called = repo.suggest_name("HEAD")
    asked = {"path": "team", "snapshot": "HEAD", "named": True}
    operation = await server.done(await server.ask("POST", "restores", asked))
    assert operation["result"]["worktree"] == called


async def test_a_restore_in_place_and_its_undo(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    write(repo, "notes.txt", "changed")
    asked = {"path": "team", "snapshot": "HEAD", "inplace": True, "reason": "back"}
    dry = await server.done(await server.ask("POST", "restores", {**asked, "dry_run": True}))
    assert dry["result"]["modified"] == ["notes.txt"]
    assert (repo.root / "main" / "notes.txt").read_text() == "changed"
    done = await server.done(await server.ask("POST", "restores", {**asked, "confirm": True}))
    assert (done["kind"], done["result"]["modified"]) == ("restore_inplace", ["notes.txt"])
    assert (repo.root / "main" / "notes.txt").read_text() == "notes"
    assert (await server.ask("GET", "workspace", path="team")).json["can"]["undo"]
    undone = await server.done(await server.ask("POST", "undo", {"path": "team", "confirm": True}))
    assert undone["state"] == "done", undone
    assert (repo.root / "main" / "notes.txt").read_text() == "changed"
    assert not (await server.ask("GET", "workspace", path="team")).json["can"]["undo"]


async def test_one_file_is_restored_beside_and_in_place(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    write(repo, "notes.txt", "changed")
    asked = {"path": "team", "snapshot": "HEAD", "file": "notes.txt"}
    beside = await server.done(await server.ask("POST", "restores", {**asked, "to": "old.txt"}))
    assert beside["result"]["contents_path"] == "team/main/old.txt"
    refused = await server.done(await server.ask("POST", "restores", asked))
    assert refused["error"]["code"] == "E_ALREADY_EXISTS"
    done = await server.done(
        await server.ask("POST", "restores", {**asked, "inplace": True, "reason": "r", "confirm": True})
    )
    assert done["state"] == "done", done
    assert (repo.root / "main" / "notes.txt").read_text() == "notes"


async def test_worktrees_are_made_listed_renamed_and_removed(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    made = await server.ask("POST", "worktrees", {"path": "team", "name": "trial"})
    assert (made.status, made.json["contents_path"]) == (201, "team/worktrees/trial")
    items = (await server.ask("GET", "worktrees", path="team")).json["items"]
    assert [(item["name"], item["contents_path"]) for item in items] == [
        ("main", "team/main"),
        ("trial", "team/worktrees/trial"),
    ]
    renamed = await server.ask("PATCH", "worktrees/trial", {"path": "team", "name": "tried"})
    assert (renamed.status, renamed.json["name"]) == (200, "tried")
    removed = await server.ask("DELETE", "worktrees/tried", path="team")
    assert (removed.status, removed.data) == (204, b"")
    assert not (repo.root / "worktrees" / "tried").exists()


async def test_the_worktree_is_the_one_the_path_lies_in(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    await server.ask("POST", "worktrees", {"path": "team", "name": "trial"})
    (repo.root / "worktrees" / "trial" / "only.txt").write_text("here")
    taken = await server.snapshot("team/worktrees/trial", "of the trial")
    assert taken["worktree"] == "trial"
    assert [i["note"] for i in (await server.ask("GET", "snapshots", path="team/main")).json["items"]] == [""]
    every = (await server.ask("GET", "snapshots", path="team/main", everywhere=True)).json["items"]
    assert [item["note"] for item in every] == ["of the trial", ""]


async def test_refs_are_made_paged_and_deleted(server: Interface, repo: Repository) -> None:
    taken = await server.snapshot("team/main")
    for name in ("b", "a", "c"):
        made = await server.ask("POST", "refs", {"path": "team", "name": name, "snapshot": "HEAD"})
        assert (made.status, made.json["snapshot_id"]) == (201, taken["snapshot_id"])
    first = (await server.ask("GET", "refs", path="team", limit=2)).json
    assert [item["name"] for item in first["items"]] == ["a", "b"]
    rest = (await server.ask("GET", "refs", path="team", after=first["next"])).json
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["c"], None)
    assert (await server.ask("DELETE", "refs/b", path="team")).json["name"] == "b"
    assert [ref.name for ref in repo.refs.all()] == ["a", "c"]


async def test_a_snapshot_is_shown_and_compared_by_tag_and_time(server: Interface, repo: Repository) -> None:
    first = (await server.snapshot("team/main", note="first"))["snapshot_id"]
    write(repo, "notes.txt", "other")
    second = (await server.snapshot("team/main", note="second"))["snapshot_id"]
    repo.annotate(first, add_tags=["a/b c"])
    shown = await server.ask("GET", "snapshots/tag%3Aa%2Fb%20c", path="team/main")
    assert shown.json["snapshot_id"] == first
    shown = await server.ask("GET", "snapshots/%40now", path="team/main")
    assert shown.json["snapshot_id"] == second
    compared = await server.ask("GET", "compare", path="team/main", from_="tag:a/b c", to="@now")
    assert compared.json["modified"] == ["notes.txt"]
    missing = await server.ask("GET", "snapshots/%402001-01-01", path="team/main")
    assert (missing.status, missing.code) == (404, "E_SNAPSHOT_NOT_FOUND")


async def test_files_are_found_by_size_and_time(server: Interface, repo: Repository) -> None:
    write(repo, "large.bin", "x" * 5000)
    await server.snapshot("team/main")
    found = await server.ask("GET", "find", path="team/main", q="*", larger=1000, since="1h")
    assert [file["path"] for file in found.json["items"]] == ["large.bin"]
    found = await server.ask("GET", "find", path="team/main", q="*", smaller=1000, until="1h")
    assert found.json["items"] == []
    refused = await server.ask("GET", "find", path="team/main", q="*", since="soon")
    assert (refused.status, refused.code) == (400, "E_USAGE")


async def test_what_annotate_did_decides_in_the_timeline(server: Interface, repo: Repository) -> None:
    taken = (await server.snapshot("team/main", note="plain", tags=["old"]))["snapshot_id"]
    body = {"path": "team/main", "note": "edited", "add_tags": ["good"], "remove_tags": ["old"]}
    shown = await server.ask("PATCH", f"snapshots/{taken}", body)
    assert (shown.json["note"], shown.json["tags"]) == ("edited", ["good"])
    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({"tag": "good"}, [taken]),
        ({"tag": "old"}, []),
        ({"q": "#good"}, [taken]),
        ({"q": "edited"}, [taken]),
        ({"q": "plain"}, []),
    ]
    for query, expected in asked:
        page = (await server.ask("GET", "snapshots", path="team/main", **query)).json
        assert [item["snapshot_id"] for item in page["items"]] == expected, query
    page = (await server.ask("GET", "snapshots", path="team/main")).json
    assert [(item["note"], item["tags"]) for item in page["items"]] == [("edited", ["good"])]
