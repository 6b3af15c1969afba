"""A real hub that root runs, and servers of the machine's own users: who owns what, and who can reach what."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, Settings, UntrustedRepository
from tests.jupyter.hub.conftest import need_proxy, open_folder
from tests.jupyter.hub.hub import EXAMPLE, Answer, Hub, running
from tests.jupyter.hub.kernel import kernel
from tests.jupyter.hub.test_hub import worktree_of
from tests.support.machine import SystemUser, machine
from tests.support.source import PYTHONPATH

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="servers of other users need root"),
]

TEAM = 23400
ANN, BOB, CID = (
    SystemUser("ann", 23401),
    SystemUser("bob", 23402),
    SystemUser("own-cid", 23403, in_team=False),
)

GUIDE = EXAMPLE.with_name("jupyterhub.md")
BLOCKS = (
    ("install --directory --mode 755 /srv/templates", "export JVS_HUB_REPOSITORY=/srv/templates"),
    ("install --directory --group team", "export JVS_HUB_REPOSITORY=/srv/jvs"),
)

TRY = """
import os
def attempt(what):
    try:
        return repr(what())
    except OSError as error:
        return type(error).__name__
"""


@pytest.fixture(scope="module")
def real() -> Iterator[Hub]:
    """Return a hub set up as the guide says, on a machine that has three users."""
    need_proxy()
    with open_folder() as place, machine(place, (ANN, BOB, CID), team=TEAM) as with_users:
        with_users.run(set_up, place)
        folder = place / "srv" / "jvs"
        with running(Hub(folder, machine=with_users, home=place / "srv" / "hub")) as started:
            started.add(ANN.name, BOB.name, CID.name)
            yield started


def set_up(place: Path) -> None:
    """Do what the guide says between making users and starting the hub, in a folder instead of ``/``."""
    material = place / "course-material"
    (material / "data").mkdir(parents=True)
    (material / "notes.txt").write_text("notes")
    (place / "srv").mkdir()
    lines = GUIDE.read_text().splitlines()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "HOME": str(place), "PYTHONPATH": PYTHONPATH, "PATH": path}
    for block in BLOCKS:
        first, last = (next(i for i, line in enumerate(lines) if line.startswith(start)) for start in block)
        words = "\n".join(lines[first:last]).replace("/srv/", f"{place}/srv/")
        subprocess.run(["bash", "-euc", f"umask 022\n{words}"], env=environment, check=True)


@pytest.fixture
def team(real: Hub) -> Repository:
    """Return the repository as an outsider sees it."""
    settings = replace(Settings.from_environment(), user="maker", state_dir=real.folder / "state")
    return Repository(real.folder / "team", settings=settings)


def let_run(real: Hub, user: str) -> None:
    """Start a user's server unless it runs."""
    if not real.ready(user):
        real.spawn(user)


def owners(folder: Path) -> set[int]:
    """Return the users that own a folder and what is in it, but for what a running server removes meanwhile."""
    found = {folder.lstat().st_uid}
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                found.add(Path(here, name).lstat().st_uid)
    return found


def test_a_server_runs_as_its_user_who_owns_all_that_it_makes(real: Hub, team: Repository) -> None:
    real.spawn("ann")
    assert real.server_process("ann").uids().effective == ANN.uid
    name = worktree_of(team, "ann")
    folder = team.worktrees.path(name)
    with kernel(real, "ann") as run:
        assert run("import os; print(os.getuid(), os.getcwd())") == f"{ANN.uid} {folder}"
        run("open('result.txt', 'w').write('42')")
    operation = real.done("ann", real.jvs("ann", "POST", "snapshots", {"path": "", "note": "mine"}))
    assert operation["state"] == "done", operation
    made = team.show(operation["result"]["snapshot_id"])
    assert (Path(made.path) / "result.txt").read_text() == "42"
    assert owners(folder) == owners(Path(made.path).parent) == {ANN.uid}
    for closed in (folder, Path(made.path)):
        assert closed.stat().st_mode & 0o777 == 0o700
    assert [record.actor.split("@")[0] for record in team.audit.log() if record.operation == "snapshot"][
        :1
    ] == ["ann"]
    assert team.verify(every=True).ok

    real.leave("ann")
    assert team.locks.status(name).state == "free"
    real.spawn("ann")
    assert real.jvs("ann", "GET", "workspace?path=")["worktree"] == name


def test_another_user_reaches_neither_worktree_nor_snapshots_by_any_way(real: Hub, team: Repository) -> None:
    for user in ("ann", "bob"):
        let_run(real, user)
    folder = team.worktrees.path(worktree_of(team, "ann"))
    (folder / "secret.txt").write_text("ann's")
    os.chown(folder / "secret.txt", ANN.uid, ANN.uid)
    (folder / "secret.txt").chmod(0o644)
    operation = real.done("ann", real.jvs("ann", "POST", "snapshots", {"path": "", "note": "secret"}))
    snapshot = operation["result"]["snapshot_id"]
    payload = Path(team.show(snapshot).path)

    token = real.api("POST", "users/bob/tokens", {})["token"]
    for path in ("api/contents", "jvs/api/v1/workspace?path=", "files/secret.txt"):
        with pytest.raises(Answer) as refused:
            real.ask("GET", f"user/ann/{path}", token=token)
        assert refused.value.status == 403, path

    with kernel(real, "bob") as run:
        run(TRY)
        assert run("print(os.getuid())") == str(BOB.uid)
        for attempt in (
            f"os.listdir({str(folder)!r})",
            f"open({str(folder / 'secret.txt')!r}).read()",
            f"open({str(folder / 'new.txt')!r}, 'w')",
            f"os.rename({str(folder)!r}, {str(folder) + '-stolen'!r})",
            f"os.rename({str(team.root / 'main')!r}, {str(team.root / 'stolen')!r})",
            f"open({str(team.root / 'main' / 'new.txt')!r}, 'w')",
            f"open({str(payload / 'secret.txt')!r}).read()",
            f"os.listdir({str(real.own.parent / 'hub-state' / 'hub-')!r} + {folder.name[-20:]!r})",
            f"open({str(real.own.parent / 'hub-state' / 'new')!r}, 'w')",
            f"os.kill({real.server_process('ann').pid}, 9)",
            f"open('/proc/{real.server_process('ann').pid}/environ').read()",
        ):
            assert run(f"print(attempt(lambda: {attempt}))") == "PermissionError", attempt
        run(f"os.symlink({str(folder)!r}, 'way')")
        manifest = payload.parent / "manifest"
        assert run(f"print(attempt(lambda: open({str(manifest)!r}, 'rb').read()))") == "PermissionError"
        # What the guide says that a shared repository cannot protect: descriptors and the log.
        descriptor = team.root / ".jvs" / "descriptors" / f"{snapshot}.json"
        assert "secret" in run(f"print(attempt(lambda: open({str(descriptor)!r}, 'r').read()))")

    up = urllib.parse.quote(f"../{folder.name}/secret.txt")
    for path in (up, "way/secret.txt", "way"):
        for body in (None, {"type": "file", "format": "text", "content": "bob's"}):
            with pytest.raises(Answer) as refused:
                real.ask("GET" if body is None else "PUT", f"user/bob/api/contents/{path}", body)
            assert "ann's" not in refused.value.body, path
    for path in (f"workspace?path={up}", "workspace?path=way"):
        with pytest.raises(Answer) as refused:
            real.jvs("bob", "GET", path)
        assert refused.value.status in (400, 403, 404), path
    with pytest.raises(Answer) as refused:
        real.jvs("bob", "GET", f"snapshots/{snapshot}/content?path=&file=secret.txt")
    assert refused.value.status == 403
    assert (folder / "secret.txt").read_text() == "ann's"


def test_what_a_killed_server_left_is_saved_and_given_back_as_its_user(real: Hub, team: Repository) -> None:
    let_run(real, "ann")
    name = worktree_of(team, "ann")
    later = team.worktrees.path(name) / "later.txt"
    later.write_text("later")
    os.chown(later, ANN.uid, ANN.uid)
    real.server_process("ann").kill()
    real.until(lambda: not real.known("ann"), "the hub sees that the server is gone")
    real.until(lambda: team.locks.status(name).state == "free", "the hub gave the dead server's lock back")
    real.until(lambda: team.history(name)[0].descriptor.tags == ("hub-stop",), "what it left was saved")
    saved = Path(team.show(team.history(name)[0].descriptor.snapshot_id).path)
    assert (saved / "later.txt").exists()
    assert owners(saved.parent) == {ANN.uid}
    real.until(lambda: team.doctor(strict=True).healthy, "nothing is left behind")


def test_a_repository_of_ones_own_is_closed_and_everything_in_it_happens_as_its_user(
    real: Hub, team: Repository
) -> None:
    name, homes = CID.name, ("--homes", str(real.own))
    assert [one["action"] for one in admin(real, "provision", "--user", name, *homes)] == ["created"]
    real.spawn(name, "gpu")
    main, row = admin(real, "list", *homes)
    home, path = Path(main["path"]).parent, Path(row["path"])
    assert (row["user"], row["server"], row["lock_state"]) == (name, "gpu", "held")
    assert owners(home) == {CID.uid}
    assert home.stat().st_mode & 0o777 == 0o700
    with kernel(real, name, "gpu") as run:
        assert (
            run("import os; open('mine.txt', 'w').write('mine'); print(os.getuid(), os.getcwd())")
            == f"{CID.uid} {path}"
        )
    real.leave(name, "gpu")

    real.api("PATCH", f"users/{name}/servers/gpu", {"name": "big"})
    row = admin(real, "list", *homes)[1]
    assert (row["user"], row["server"], row["lock_state"]) == (name, "big", "free")
    assert (Path(row["path"]) / "mine.txt").read_text() == "mine"
    real.api("DELETE", f"users/{name}/servers/big", {"remove": True})
    real.until(lambda: len(admin(real, "report", *homes)) == 1, "the named server's worktree is put away")
    with pytest.raises(UntrustedRepository):
        Repository(home, settings=team.settings)
    pins = jvs(real, home, "gc", "pins")
    (pin,) = [pin for pin in pins if pin["reason"].startswith(f"archived worktree {row['name']} ")]
    kept = Path(jvs(real, home, "show", pin["snapshot_id"])["path"])
    assert (kept / "mine.txt").read_text() == "mine"
    assert owners(home) == {CID.uid}

    (home / "main" / "mine.txt").write_text("mine")
    (done,) = admin(real, "reset", name, *homes)
    assert done["action"] == "reset"
    assert owners(home) == owners(home.with_name(done["kept_as"])) - {0} == {CID.uid}
    assert home.stat().st_mode & 0o777 == 0o700
    real.api("DELETE", f"users/{name}")
    real.until(lambda: not home.exists(), "the repository is put away")
    assert admin(real, "list", *homes) == []


def admin(real: Hub, *arguments: str) -> Any:
    """Run ``jvs hub`` as root on the machine, and return its JSON."""
    return jvs(real, real.templates, "hub", *arguments)


def jvs(real: Hub, repository: Path, *arguments: str) -> Any:
    """Run ``jvs`` as root on the machine, and return its JSON."""
    assert real.machine is not None
    command = [sys.executable, "-m", "jvs_core.cli", "-q", "--json", "--repo", str(repository), *arguments]
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "JVS_OWNERS_DIR": str(real.owners)}
    done = real.machine.run(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
