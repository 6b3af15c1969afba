"""``diff``: what changed inside, of files, of unsaved edits, of whole trees; and the words of the history."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from jvs_core import Repository
from tests.jupyter.server.interface import Interface


@pytest.fixture
def changed(repo: Repository) -> Repository:
    """Return the repository with a snapshot, and changes since."""
    repo.snapshot("first", lock=True)
    (repo.root / "main" / "notes.txt").write_text("notes\nmore\n")
    (repo.root / "main" / "data" / "a.csv").write_text("a,b\n1,3\n")
    return repo


async def ask(server: Interface, **query: str) -> Any:
    """Return the answer to ``GET diff``."""
    parts = "&".join(f"{name.rstrip('_')}={quote(value)}" for name, value in query.items())
    return await server.raw("GET", f"diff?path=team/main&{parts}")


async def test_one_file(server: Interface, changed: Repository) -> None:
    found = (await ask(server, file="notes.txt")).json
    assert (found["kind"], found["change"], found["words"]) == ("text", "modified", "+1 line")
    assert [line["text"] for line in found["detail"]["hunks"][0]["lines"]] == ["notes", "more"]
    back = (await ask(server, file="notes.txt", from_="now", to="HEAD")).json
    assert (back["detail"]["added"], back["detail"]["removed"]) == (0, 1)
    table = (await ask(server, file="data/a.csv", from_="HEAD", to="now")).json
    assert (table["kind"], table["group"], table["words"]) == ("table", "data", "1 row")


async def test_all_files_in_words(server: Interface, changed: Repository) -> None:
    (changed.root / "main" / "new.py").write_text("x = 1\n")
    found = (await ask(server, from_="HEAD")).json
    assert [(change["path"], change["words"], change["detail"]) for change in found["changes"]] == [
        ("data/a.csv", "1 row", None),
        ("new.py", "1 line", None),
        ("notes.txt", "+1 line", None),
    ]
    assert (found["added"], found["left_out"]) == (["new.py"], 0)


async def test_the_edits_of_an_open_document(server: Interface, changed: Repository) -> None:
    async def post(**body: Any) -> Any:
        answer = await server.raw(
            "POST", "diff", body=json.dumps({"path": "team/main", "file": "notes.txt", **body})
        )
        return answer.json

    found = await post(content="notes\nedited\n")
    assert [line["text"] for line in found["detail"]["hunks"][0]["lines"] if line["op"] == "+"] == ["edited"]
    saved = await post(content="notes\nedited\n", **{"from": "now"})
    assert [line["text"] for line in saved["detail"]["hunks"][0]["lines"]] == ["notes", "more", "edited"]
    same = await post(content="notes\nmore\n", **{"from": "now"})
    assert same["detail"] is None
    assert (changed.root / "main" / "notes.txt").read_text() == "notes\nmore\n"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"file": "none.txt"}, 404, "E_PATH_NOT_FOUND"),
        ({"file": "../../secret"}, 400, "E_PATH_ESCAPE"),
        ({"file": "/etc/passwd"}, 400, "E_PATH_ESCAPE"),
        ({"file": "notes.txt", "from_": "nowhere"}, 404, "E_SNAPSHOT_NOT_FOUND"),
        ({"from_": "now"}, 400, "E_USAGE"),
        ({"file": "notes.txt", "everything": "perhaps"}, 422, "E_USAGE"),
        ({"file": ""}, 422, "E_USAGE"),
    ],
)
async def test_mistakes(
    server: Interface, changed: Repository, query: dict[str, str], status: int, code: str
) -> None:
    answer = await ask(server, **query)
    assert (answer.status, answer.code) == (status, code)


async def test_a_link_leads_nowhere(server: Interface, changed: Repository) -> None:
    (changed.root / "main" / "out").symlink_to("/etc")
    assert (await ask(server, file="out/passwd")).status == 404
    found = (await ask(server, file="out")).json
    assert found["detail"] == {"kind": "link", "old_target": None, "new_target": "/etc"}


async def test_a_large_file_is_compared_elsewhere(server: Interface, changed: Repository) -> None:
    path = changed.root / "main" / "large.txt"
    path.write_text("line\n" * 600_000)
    changed.snapshot("large", lock=True)
    path.write_text("line\n" * 600_000 + "more\n")
    found = (await ask(server, file="large.txt")).json
    assert (found["detail"]["added"], found["detail"]["removed"]) == (1, 0)


async def test_what_a_notebook_brings_along_stays_text(server: Interface, changed: Repository) -> None:
    output = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"text/html": "<script>alert(1)</script>"},
    }
    cell = {"cell_type": "code", "metadata": {}, "source": "x", "outputs": [output], "execution_count": 1}
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    body = json.dumps({"path": "team/main", "file": "n.ipynb", "content": json.dumps(document)})
    answer = await server.raw("POST", "diff", body=body)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    mimes = answer.json["detail"]["cells"][0]["outputs"][0]["mimes"]
    assert mimes[0]["hunks"][0]["lines"][0]["text"] == "<script>alert(1)</script>"


async def test_the_history_says_what_each_snapshot_changed(server: Interface, changed: Repository) -> None:
    changed.snapshot("second", lock=True)
    first = (await server.raw("GET", "snapshots?path=team/main")).json
    assert [item["changed"]["words"] for item in first["items"]] == [None, None]
    asked = (await server.raw("GET", "snapshots?path=team/main&words=true")).json
    expected = [["data/a.csv 1 row", "notes.txt +1 line"], ["2 files"]]
    assert [item["changed"]["words"] for item in asked["items"]] == expected
    again = (await server.raw("GET", "snapshots?path=team/main")).json
    assert [item["changed"]["words"] for item in again["items"]] == expected
