"""What root does in a repository that a group writes to: it reads nothing there, and hostile records are one's own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jvs_jupyter.hub
from jvs_core import Repository
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.ownership import NOBODY, Owner, steward, worker
from tests.jupyter.hub.conftest import make_team, open_folder
from tests.support.machine import Machine, SystemUser, machine
from tests.support.source import PYTHONPATH
from tests.support.users import as_user

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root"),
]

GROUP = 23400
ANN, BOB = SystemUser("ann", 23401), SystemUser("bob", 23402)
CAROL = SystemUser("carol", 23403, in_team=False)

WATCHED = """
import os, sys
root = os.path.realpath(sys.argv[1])
allowed = {root, root + "/worktrees"}
elsewhere = {".", "owners"}  # by descriptors: where modules lie, and root's own folder for whose rights it takes
seen = set()

def watch(event, args):
    if event not in ("open", "os.listdir", "os.scandir", "shutil.rmtree", "os.chmod", "os.chown"):
        return
    path = args[0]
    if not isinstance(path, (str, bytes)):
        return
    path = os.fsdecode(path)
    if path.startswith(root) and path not in allowed or not path.startswith("/") and path not in elsewhere:
        seen.add(f"{event} {path}")

from jvs_core.cli.main import run
sys.addaudithook(watch)
status = run(["--json", "--repo", root, *sys.argv[2:]])
sys.stdout.flush()
sys.stderr.write("".join(f"READ {one}\\n" for one in sorted(seen)))
sys.exit(status)
"""

SAVE_AUTOMATICALLY = """
import sys
from pathlib import Path
from jvs_core import Repository
assert Repository(Path(sys.argv[1])).timeline.snapshot(sys.argv[2]) is not None
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that everybody can pass to and only root writes to."""
    with open_folder() as folder:
        monkeypatch.setenv("JVS_OWNERS_DIR", str(folder / "owners"))
        yield folder


@pytest.fixture
def there(place: Path) -> Iterator[Machine]:
    with machine(place, (ANN, BOB, CAROL), team=GROUP) as made:
        yield made


@pytest.fixture
def team(place: Path, there: Machine) -> Repository:
    """Return a team's repository as the guide sets it up, in which Ann and Bob have a worktree and two snapshots each."""
    home = place / "jvs"
    home.mkdir()
    os.chown(home, 0, GROUP)
    home.chmod(0o2750)
    made = make_team(home, shared=True)
    (made.root / "main").chmod(0o2755)
    for user in (ANN, BOB):
        assert hub(there, made, "provision", "--user", user.name)[0]["action"] == "created"
        for text in "ab":
            (folder_of(made, user) / "notes.txt").unlink()
            (folder_of(made, user) / "notes.txt").write_text(text)
            os.chown(folder_of(made, user) / "notes.txt", user.uid, user.uid)
            jvs_as(there, place, made, user, "snapshot", text, "--lock")
    return made


def folder_of(team: Repository, user: SystemUser) -> Path:
    return team.root / "worktrees" / worktree_name(Person(user.name))


def jvs_as(there: Machine, place: Path, team: Repository, user: SystemUser, *arguments: str) -> Any:
    """Run ``jvs`` in a member's worktree as that member, and return its JSON."""
    program = "import sys; from jvs_core.cli.main import run; sys.exit(run(sys.argv[1:]))"
    folder = str(folder_of(team, user))
    return json.loads(run_as(there, place, user, program, "--json", "--repo", folder, *arguments))


def run_as(there: Machine, place: Path, user: SystemUser, program: str, *arguments: str) -> str:
    """Run a program of Python as a member, and return what it says."""
    state = place / f"state-{user.name}"
    state.mkdir(mode=0o700, exist_ok=True)
    os.chown(state, user.uid, user.uid)
    done = there.run(
        subprocess.run,
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "HOME": str(state), "JVS_STATE_DIR": str(state)},
        user=user.uid,
        group=user.uid,
        extra_groups=[GROUP],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ran(there: Machine, team: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``jvs hub`` as root, and see that root's own process opens nothing in the repository but two folders of root's own."""
    done = there.run(
        subprocess.run,
        [sys.executable, "-c", WATCHED, str(team.root), "hub", *arguments],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "READ " not in done.stderr, done.stderr
    return done


def hub(there: Machine, team: Repository, *arguments: str, status: int = 0) -> Any:
    """Run ``jvs hub`` as root and return its JSON."""
    done = ran(there, team, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_steward_is_nobody_of_the_repositorys_group_and_only_where_others_write(
    team: Repository, place: Path
) -> None:
    assert (
        steward(team.root)
        == worker(team.root)
        == worker(team.root, team.root / "main")
        == Owner(NOBODY, GROUP)
    )
    assert worker(team.root, folder_of(team, ANN)).uid == ANN.uid
    assert Owner(NOBODY, GROUP).groups_in(team.root) == [GROUP]
    (place / "alone").mkdir()
    alone = make_team(place / "alone")
    assert steward(alone.root) is None
    assert worker(alone.root).uid == 0


def test_looking_and_the_weekly_chores_happen_with_the_members_rights(
    team: Repository, there: Machine
) -> None:
    assert [row["user"] for row in hub(there, team, "list")] == ["ann", "bob"]
    measured = hub(there, team, "report", "--measure", "--keep-last", "1")
    assert [(row["user"], row["would_remove"]) for row in measured] == [("ann", 1), ("bob", 1)]
    assert all(row["disk_bytes"] > 0 for row in measured)
    for command in ("verify", "doctor"):
        assert [row["wrong"] for row in hub(there, team, command)] == [[]]
    assert hub(there, team, "verify")[0]["snapshots"] == 5
    (dry,) = hub(there, team, "gc", "--keep-last", "1", "--dry-run")
    (done,) = hub(there, team, "gc", "--keep-last", "1")
    assert dry["snapshots"] == done["snapshots"] == 2
    assert (dry["done"], done["done"], done["wrong"]) == ("would remove", "removed", [])
    assert list((team.root / ".jvs" / "gc" / "trash").iterdir()) == []
    assert [row["wrong"] for row in hub(there, team, "doctor")] == [[]]


def test_resets_and_archives_happen_with_the_members_rights(
    team: Repository, there: Machine, place: Path
) -> None:
    assert hub(there, team, "reset", "bob", "--dry-run")[0]["action"] == "would_reset"
    (reset,) = hub(there, team, "reset", "bob")
    assert reset["action"] == "reset"
    assert (team.root / "worktrees" / reset["kept_as"]).lstat().st_uid == BOB.uid
    assert hub(there, team, "reset", "bob", "--dry-run")[0]["action"] == "unchanged"
    (archived,) = hub(there, team, "archive", "ann", "--days", "3")
    assert (archived["action"], folder_of(team, ANN).exists()) == ("archived", False)
    assert hub(there, team, "archive", "ann")[0]["snapshot_id"] == archived["snapshot_id"]
    (back,) = hub(there, team, "put-back", "ann")
    assert (back["action"], (folder_of(team, ANN) / "notes.txt").read_text()) == ("put_back", "b")
    assert {path.lstat().st_uid for path in folder_of(team, ANN).rglob("*")} == {ANN.uid}
    assert hub(there, team, "tidy", "--days", "1") == {"removed": [], "failed": []}
    old = f"{worktree_name(Person('bob'))}-until-20200101-000000"
    jvs_as(there, place, team, BOB, "worktree", "rename", reset["kept_as"], old)
    assert hub(there, team, "tidy", "--days", "1", "--dry-run")["removed"] == [old]
    assert hub(there, team, "tidy", "--days", "1")["removed"] == [old]
    assert not (team.root / "worktrees" / old).exists()


def test_who_has_no_account_or_no_part_in_the_group_is_told(team: Repository, there: Machine) -> None:
    for user, told in (("dan", "no system user 'dan'"), ("root", "root"), ("carol", "Permission denied")):
        (failed,) = [
            row
            for row in json.loads(ran(there, team, "provision", "--user", user).stdout)
            if row["action"] == "failed"
        ]
        assert told in failed["error"]["message"], failed
    assert hub(there, team, "reset", "dan", status=2)[0]["error"]["code"] == "E_USAGE"


def test_a_worktree_in_use_is_told_by_reset_and_archive(
    team: Repository, there: Machine, place: Path
) -> None:
    jvs_as(there, place, team, ANN, "lock", "acquire")
    for command in ("reset", "archive"):
        for dry in ((), ("--dry-run",)):
            (row,) = hub(there, team, command, "ann", *dry, status=4)
            assert (row["action"], row["error"]["code"]) == ("failed", "E_LOCK_CONFLICT"), command
    assert jvs_as(there, place, team, ANN, "gc", "pins") == []
    (done,) = hub(there, team, "gc", "--keep-last", "1")
    assert done["snapshots"] == 2


def fifo(path: Path) -> None:
    os.mkfifo(path)


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 10 << 30)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def shadow(path: Path) -> None:
    path.symlink_to("/etc/shadow")


def deep(path: Path) -> None:
    path.write_bytes(b"[" * 10_000_000)


def wide(path: Path) -> None:
    path.write_bytes(b"[" + b"[]," * 5_000_000)


def closed(path: Path) -> None:
    path.touch(mode=0)


def folder(path: Path) -> None:
    path.mkdir()


HOSTILE = (fifo, sparse, endless, shadow, deep, wide, closed, folder)


def recorded(team: Repository, user: SystemUser) -> Iterator[Path]:
    """Yield records of a member's, each of which can be exchanged for something else by any member."""
    control, name = team.root / ".jvs", worktree_name(Person(user.name))
    yield control / "worktrees" / name / "config.json"
    yield max((control / "worktrees" / name / "heads").iterdir(), key=lambda path: int(path.name))


def test_hostile_records_of_one_stop_nothing_for_anybody_else(team: Repository, there: Machine) -> None:
    for number, hostile in enumerate(HOSTILE):
        record = list(recorded(team, ANN))[number % 2]
        kept = record.read_bytes()
        with as_user(BOB.uid, GROUP):
            record.unlink()
            hostile(record)
        done = ran(there, team, "list" if number % 3 else "report")
        assert [row["user"] for row in json.loads(done.stdout)] == ["bob"], hostile
        assert (done.returncode, worktree_name(Person("ann")) in done.stderr) == (5, True), done.stderr
        assert "root:" not in done.stdout + done.stderr
        if not number:
            assert hub(there, team, "provision", "--user", "bob")[0]["action"] == "exists"
            assert hub(there, team, "reset", "bob", "--dry-run")[0]["action"] == "would_reset"
        if hostile is folder:
            record.rmdir()
        else:
            record.unlink()
        record.write_bytes(kept)
        os.chown(record, ANN.uid, GROUP)
    assert [row["user"] for row in hub(there, team, "list")] == ["ann", "bob"]


def test_the_automatic_history_of_each_is_thinned_out_though_others_closed_theirs(
    team: Repository, there: Machine, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in "cdef":
        for user in (ANN, BOB):
            notes = folder_of(team, user) / "notes.txt"
            notes.unlink()
            notes.write_text(text)
            os.chown(notes, user.uid, user.uid)
            run_as(there, place, user, SAVE_AUTOMATICALLY, str(team.root), folder_of(team, user).name)
    monkeypatch.setenv("JVS_TIMELINE", json.dumps({"keep": ["rest:1w"]}))
    (done,) = hub(there, team, "thin")
    assert (done["wrong"], done["exit_status"]) == ([], 0)
    assert done["snapshots"] > 3  # of four each at most three, for the newest is a head: so of both
    (again,) = hub(there, team, "thin")
    assert (again["wrong"], again["exit_status"], again["snapshots"]) == ([], 0, 0)
    assert hub(there, team, "verify")[0]["wrong"] == []


def test_a_pin_that_cannot_be_read_keeps_nobodys_archive_from_coming_back(
    team: Repository, there: Machine
) -> None:
    hub(there, team, "archive", "ann")
    with as_user(BOB.uid, GROUP):
        fifo(team.root / ".jvs" / "gc" / "pins" / "0123456789ab.json")
    assert hub(there, team, "put-back", "ann")[0]["action"] == "put_back"


def test_a_member_who_verifies_marks_nothing_as_damaged_that_others_closed(
    team: Repository, there: Machine, place: Path
) -> None:
    state = place / "state-bob"
    done = there.run(
        subprocess.run,
        [sys.executable, "-m", "jvs_core.cli", "--json", "--repo", str(folder_of(team, BOB)), "verify", "--all"],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "HOME": str(state), "JVS_STATE_DIR": str(state)},
        user=BOB.uid, group=BOB.uid, extra_groups=[GROUP], cwd="/", capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert list((team.root / ".jvs" / "damage").iterdir()) == []
    assert hub(there, team, "verify")[0]["wrong"] == []


def test_a_link_on_the_way_to_the_trash_leads_nobody_anywhere(
    team: Repository, there: Machine, place: Path
) -> None:
    from jvs_jupyter.hub.making import Emptying, empty

    snapshots = sorted((team.root / ".jvs" / "snapshots").iterdir())
    (theirs,) = [path for path in snapshots if path.lstat().st_uid == ANN.uid][:1]
    trash = team.root / ".jvs" / "gc" / "trash"
    trash.rename(trash.with_name("aside"))
    trash.symlink_to(theirs.parent)
    with as_user(ANN.uid, GROUP):
        done = empty(Emptying(repository=str(team.root), snapshots=[theirs.name]))
    assert list(done.failed) == [theirs.name]
    assert (theirs / "payload" / "notes.txt").exists()


PACKAGE = Path(jvs_jupyter.hub.__file__).parent
# Who opens a repository: processes with the rights of those whom it concerns, and root where only root writes.
OPENERS = {
    ("cli_everybody.py", "chore"),
    ("cli_everybody.py", "listing"),
    ("cli_everybody.py", "report"),
    ("cli_chores.py", "tidy"),
    ("cli_people.py", "opened"),
    ("cli.py", "serve"),
    ("looking.py", "opened"),
    ("making.py", "_cloned"),
    ("spawner_mixin.py", "_jvs_opened"),
}
GUARDS = ("team_of", "Team.around", "_jvs_team", "team")


def calls() -> Iterator[tuple[str, str, ast.Call, str]]:
    """Yield every call in the hub's code: file, function, call, and the function's source."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text()
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_source_segment(source, function) or ""
                for node in ast.walk(function):
                    if isinstance(node, ast.Call):
                        yield path.name, function.name, node, text


def test_the_hubs_code_opens_repositories_where_this_test_says_and_asks_first_whose_they_are() -> None:
    found = set()
    for file, function, call, text in calls():
        called = ast.unparse(call.func)
        if called in ("Repository", "Repository.open", "Repository.init") or called.endswith(".repository"):
            found.add((file, function))
            if file not in ("looking.py", "making.py"):
                assert any(guard in text for guard in GUARDS), (file, function)
    assert {one for one in found if one[1] != "wrapper"} - OPENERS == set()


def test_the_hubs_code_gives_nothing_away_by_its_path() -> None:
    for file, function, call, _ in calls():
        called = ast.unparse(call.func)
        if called.split(".")[-1] in ("chown", "lchown", "rmtree", "chmod"):
            ours = (file, function) == ("making.py", "_opened")  # by descriptor, in the user's own process
            assert ours, (file, function, called)
            assert "/proc/self/fd/" in ast.unparse(call)
