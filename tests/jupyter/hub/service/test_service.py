"""What an admin sees and does on the page, in both layouts, without a hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_jupyter.hub.homes import make_home
from jvs_jupyter.hub.names import Person, worktree_name
from tests.jupyter.hub.service.conftest import Served

Serve = Callable[..., Served]
ANN, HOSTILE = Person("ann", "", "7@2026-01-01"), Person('"><script>alert(1)</script>&')


_IN_TURN = pytest.mark.parametrize(
    "there", ["homes", pytest.param("team", marks=pytest.mark.further)], indirect=True
)


@pytest.fixture(params=["team", "homes"])
def there(
    request: pytest.FixtureRequest, serve: Serve, team: Repository, tmp_path: Path
) -> tuple[Served, Repository, str]:
    """Return the service with two users, the repository that has ann's worktree, and that worktree's name."""
    folder = tmp_path / "homes"
    folder.mkdir()
    for person in (ANN, HOSTILE):
        if request.param == "homes":
            make_home(folder, team, person, template="template-1", owner=None)
        else:
            name = worktree_name(person)
            team.worktrees.create(name, from_="template-1", labels=person.labels)
    if request.param == "team":
        return serve(team.root), team, worktree_name(ANN)
    home = Repository(folder / worktree_name(ANN), settings=team.settings)
    return serve(team.root, folder), home, "main"


def test_everybody_is_listed_and_what_a_user_wrote_stays_text(there: tuple[Served, Repository, str]) -> None:
    served, _, _ = there
    text = served.get()
    assert ">ann</a>" in text
    assert "none of their own" in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    for page in ("", "user", "snapshots", "files"):
        assert "<script>alert" not in served.browser.get(f"http://127.0.0.1:{served.port}/services/jvs/{page}", params={"q": HOSTILE.user, "name": HOSTILE.user, "worktree": HOSTILE.user, "path": HOSTILE.user}).text  # fmt: skip


def test_a_lost_file_is_put_back_and_never_over_another(there: tuple[Served, Repository, str]) -> None:
    served, repository, name = there
    folder = repository.worktrees.path(name)
    (folder / "data" / "mine <b>.csv").write_text("first")
    taken = repository.snapshot("mine", worktree=name, lock=True).snapshot_id
    (folder / "data" / "mine <b>.csv").unlink()
    listed = served.get("files", name="ann", worktree=name, snapshot=taken, path="data")
    assert "mine &lt;b&gt;.csv" in listed
    form = {"name": "ann", "worktree": name, "snapshot": taken, "path": "data/mine <b>.csv"}
    assert (
        served.do("put-back", **form, back="files", folder="data") == f"data/mine <b>.csv is back in {name}."
    )
    assert (folder / "data" / "mine <b>.csv").read_text() == "first"
    (folder / "data" / "mine <b>.csv").write_text("second")
    assert "did not change" in served.do("put-back", **form)
    assert (folder / "data" / "mine <b>.csv").read_text() == "second"
    (beside,) = [path for path in (folder / "data").iterdir() if path.name.startswith("mine <b> (")]
    assert (beside.read_text(), beside.suffix) == ("first", ".csv")


@_IN_TURN
def test_a_snapshot_is_restored_beside_listed_and_removed(there: tuple[Served, Repository, str]) -> None:
    served, repository, name = there
    (repository.worktrees.path(name) / "mine.txt").write_text("mine")
    taken = repository.snapshot("mine", worktree=name, lock=True).snapshot_id
    assert "mine" in served.get("snapshots", name="ann", worktree=name)
    beside = f"{name}-restored-{taken[-8:]}"
    form = {"name": "ann", "worktree": name, "snapshot": taken}
    assert served.do("restore", **form) == f"Restored beside it, as {beside}."
    assert served.do("restore", **form).startswith("!Nothing was changed: ")
    assert beside in served.get("user", name="ann")
    assert beside not in served.get("user", name=HOSTILE.user)
    (repository.worktrees.path(beside) / "new.txt").write_text("unsaved")
    assert served.do("remove", name="ann", worktree=beside).startswith("!Nothing was changed: ")
    assert (
        served.do("remove", name="ann", worktree=beside, force="1")
        == f"{beside} is removed; its snapshots stay."
    )
    assert beside not in repository.worktrees.names()
    assert served.do("remove", name="ann", worktree=name).startswith("!Nothing was changed: ")


def test_a_snapshot_is_pinned_in_the_admins_name(there: tuple[Served, Repository, str]) -> None:
    served, repository, name = there
    taken = repository.history(name)[0].descriptor.snapshot_id
    served.do("pin", name="ann", worktree=name, snapshot=taken)
    (pin,) = repository.pins.all()
    assert (pin.snapshot_id, pin.created_by.split("@")[0]) == (taken, "boss")
    assert "Unpin" in served.get("snapshots", name="ann", worktree=name)
    served.do("unpin", name="ann", worktree=name, pin=pin.pin_id)
    assert repository.pins.all() == []


@_IN_TURN
def test_starting_over_and_archiving_ask_for_the_name(there: tuple[Served, Repository, str]) -> None:
    served, repository, name = there
    folder = repository.worktrees.path(name)
    (folder / "mine.txt").write_text("mine")
    assert "template-1" in served.get("user", name="ann")
    for action in ("reset", "archive"):
        refused = served.do(action, name="ann", template="template-1", confirm="Ann")
        assert refused == "!Nothing was changed: you typed another name than this user's"
    assert (folder / "mine.txt").exists()
    said = served.do("reset", name="ann", template="template-1", confirm="ann")
    assert said.startswith("ann starts again from template-1. The old files are kept beside it as ")
    assert not (folder / "mine.txt").exists()
    kept = said.rsplit(" ", 1)[1].rstrip(".")
    assert kept in served.get("user", name="ann")
    if name == "main":
        assert served.do("remove", name="ann", worktree=kept, home="1").startswith("!")
        said = served.do("remove", name="ann", worktree=kept, home="1", force="1")
        assert said == f"{kept} is removed with all its snapshots."
        assert kept not in served.get("user", name="ann")
    assert served.do("archive", name="ann", confirm="ann").startswith("ann is archived")
    assert ">ann</a>" not in served.get()
    assert served.do("put-back-user", name="ann").startswith("ann has the archived files back.")
    assert ">ann</a>" in served.get()
    assert served.do("put-back-user", name="nobody").startswith("!Nothing was changed: ")
    metrics = served.get("metrics")
    for line in (
        '"reset",status="failure"} 1.0',
        '"reset",status="success"} 1.0',
        '"archive",status="success"} 1.0',
    ):
        assert f"jupyterhub_jvs_actions_total{{action={line}" in metrics


def test_a_server_that_runs_is_in_use_and_its_worktree_stays(there: tuple[Served, Repository, str]) -> None:
    served, repository, name = there
    repository.locks.acquire(name, purpose="work")
    assert re.search(r"in use since \d\d:\d\d<", served.get())
    assert ">ann</a>" in served.get(only="used")
    assert "script" not in served.get(only="used").split("<main")[1]
    (repository.worktrees.path(name) / "mine.txt").write_text("mine")
    assert served.do("reset", name="ann", template="template-1", confirm="ann").startswith(
        "!Nothing was changed: "
    )
    repository.locks.release(name)


def test_nobody_yet_is_greeted(serve: Serve, team: Repository, tmp_path: Path) -> None:
    (tmp_path / "homes").mkdir()
    assert "Nobody has a worktree yet" in serve(team.root).get()
    assert "Nobody has a worktree yet" in serve(team.root, tmp_path / "homes").get()


def test_every_answer_is_framed_by_nobody_and_kept_by_nobody(serve: Serve, team: Repository) -> None:
    served = serve(team.root)
    address = f"http://127.0.0.1:{served.port}/services/jvs/"
    for path in (
        "",
        "user?name=x",
        "none",
        "look/page.css",
        "look/none",
        "oauth_callback",
        "../x",
        "do/none",
        "user",
    ):
        for method in ("GET", "POST"):
            answer = served.browser.request(method, address + path)
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"


def test_a_form_without_the_token_does_nothing(there: tuple[Served, Repository, str]) -> None:
    served, repository, name = there
    served.get()
    form = {"name": "ann", "worktree": name, "snapshot": repository.history(name)[0].descriptor.snapshot_id}
    answer = served.browser.post(f"http://127.0.0.1:{served.port}/services/jvs/do/pin", data=form)
    assert answer.status_code == 403
    assert repository.pins.all() == []
