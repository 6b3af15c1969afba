"""Views: what is shown is the snapshot, nothing done to it reaches that, and nothing of it is left for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Progress, Repository
from jvs_core.cli import main as cli
from jvs_core.cli.outcome import Outcome
from jvs_core.control import process
from jvs_core.control.layout import Layout
from jvs_core.control.records import journal
from jvs_core.errors import (
    Conflict,
    DescriptorCorrupt,
    EngineFailed,
    GcPlanMismatch,
    InputError,
    JvsError,
    PathEscape,
    PathNotFound,
    PayloadHashMismatch,
    SnapshotExpired,
)
from jvs_core.payload.engines import subvolume
from jvs_core.results import RUNTIME_REPAIRS
from tests.crash import children
from tests.support.damage import overwrite, payload_file, truncate
from tests.support.metadata import metadata_of
from tests.support.users import SOMEBODY, as_user

WRITE = 0o222
HOLDER = """
import sys
from jvs_core import Repository

with Repository.open(sys.argv[1]).view("HEAD") as path:
    print(path, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return filled(tmp_path / "repo")


@pytest.fixture
def real(workdir: Path) -> Repository:
    return filled(workdir / "repo")


def filled(root: Path) -> Repository:
    repo = Repository.init(root)
    main = repo.root / "main"
    (main / "data").mkdir()
    for number in range(5):
        (main / "data" / f"{number}.csv").write_text(str(number))
    (main / "run.sh").write_text("true")
    (main / "run.sh").chmod(0o755)
    os.link(main / "run.sh", main / "data" / "twin")
    (main / "link").symlink_to("data/0.csv")
    os.mkfifo(main / "pipe")
    repo.snapshot("first", lock=True)
    (main / "data" / "0.csv").write_text("changed")
    repo.snapshot("second", lock=True)
    return repo


def inside(path: Path) -> dict[bytes, tuple[object, ...]]:
    return {
        name: (found.kind, found.mode & ~WRITE, found.sha256, found.target, found.linked_with, found.mtime_ns)
        for name, found in metadata_of(path, holes=False).items()
    }


def left(repo: Repository) -> list[str]:
    folder = repo.root / ".jvs" / "views"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def intents(repo: Repository) -> int:
    return len(journal.pending(Layout(repo.root))[0])


@pytest.mark.in_turn
@pytest.mark.on_each
@pytest.mark.parametrize("path", ["", "data", "data/0.csv"])
def test_a_view_is_the_snapshot_and_nobody_may_write_to_it(real: Repository, path: str) -> None:
    before = inside(real.root / "main")
    with real.view("HEAD", path) as shown:
        top = real.root / ".jvs" / "views" / left(real)[0]
        assert shown == top / path
        found = inside(top)
        wanted = {
            name: value
            for name, value in before.items()
            if not path or name == path.encode() or name.startswith(path.encode() + b"/") or name == b"data"
        }
        if top.stat().st_ino != subvolume.ROOT_INODE:  # on btrfs it is always the whole snapshot
            assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert [*found[name][:4], found[name][5]] == [*value[:4], value[5]] or name == b"link", name
        sealed = subvolume.is_subvolume(top) and subvolume.is_read_only(top)
        for each in (top, *top.rglob("*")):
            assert sealed or each.is_symlink() or not each.stat().st_mode & WRITE, each
        assert real.doctor(strict=True).findings == []
        assert [view.path for view in real.views.all()] == [str(shown)]
    assert left(real) == []
    assert intents(real) == 0
    assert real.verify(every=True).ok


@pytest.mark.in_turn
@pytest.mark.on_each
def test_root_can_write_to_a_view_at_most_and_never_to_the_snapshot(real: Repository) -> None:
    with real.view("HEAD") as shown:
        file = shown / "data" / "0.csv"
        assert not os.path.samefile(file, payload_file(real, "HEAD", "data/0.csv"))
        try:
            file.chmod(0o600)
            file.write_text("spoilt!")
        except OSError:
            assert subvolume.is_subvolume(shown)
        assert real.verify("HEAD").ok
        with real.view("HEAD") as other:  # what was spoilt is given to nobody else
            assert (other / "data" / "0.csv").read_text() == "changed"
    assert left(real) == []


@pytest.mark.in_turn
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_an_ordinary_user_cannot_write_and_can_close(real: Repository) -> None:
    for path in (real.root, *real.root.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False) if not _is_read_only(path) else None
    if any(subvolume.is_subvolume(path) for path in (real.root / ".jvs" / "snapshots").glob("*/payload")):
        pytest.skip("the payloads are read-only subvolumes of root's")
    with as_user():
        own = Repository.open(real.root)
        with own.view("HEAD~1", "data") as shown:
            assert (shown / "0.csv").read_text() == "0"
            for act in (
                lambda: (shown / "0.csv").write_text("x"),
                (shown / "0.csv").unlink,
                (shown / "new").touch,
            ):
                with pytest.raises(PermissionError):
                    act()
        assert left(own) == []


def _is_read_only(path: Path) -> bool:
    return any(
        subvolume.is_subvolume(each) and subvolume.is_read_only(each) for each in (path, *path.parents)
    )


def test_views_of_the_same_are_shared_until_the_last_is_closed(repo: Repository) -> None:
    with repo.view("HEAD") as one:
        with repo.view("HEAD") as two:
            assert one == two
            assert len(repo.views.all()) == 2
        assert (one / "run.sh").exists()
        with repo.view("HEAD~1") as older, repo.view("HEAD", "data") as part:
            assert len({one, older, part}) == 3
    assert left(repo) == []


def test_gc_keeps_the_snapshot_of_a_view_and_says_which(repo: Repository) -> None:
    first = repo.resolve("HEAD~1")
    plan = repo.gc.plan(keep_last=1)
    with repo.view(first) as shown:
        with pytest.raises(GcPlanMismatch):
            repo.gc.run(plan.plan_id)
        again = repo.gc.plan(keep_last=1)
        assert again.candidates == []
        reasons = {kept.snapshot_id: kept.reasons for kept in again.kept}
        assert f"view {shown.name}" in reasons[first]
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    with pytest.raises(SnapshotExpired), repo.view(first):
        pass
    assert (left(repo), intents(repo)) == ([], 0)


@pytest.mark.in_turn
@pytest.mark.parametrize("damage", [truncate, lambda file: overwrite(file, "x"), Path.unlink])
@pytest.mark.parametrize("path", ["", "data", "data/0.csv"])
def test_nothing_damaged_is_shown(real: Repository, damage: Callable[[Path], None], path: str) -> None:
    file = payload_file(real, "HEAD", "data/0.csv")
    payload = real.root / ".jvs" / "snapshots" / real.resolve("HEAD") / "payload"
    if subvolume.is_subvolume(payload):
        subvolume.set_read_only(payload, False)
    damage(file)
    with pytest.raises(PayloadHashMismatch, match=r"data/0\.csv"), real.view("HEAD", path):
        pass
    assert (left(real), intents(real)) == ([], 0)


def test_what_is_not_there_is_said(repo: Repository) -> None:
    with pytest.raises(PathNotFound), repo.view("HEAD", "none"):
        pass
    with pytest.raises(PathEscape), repo.view("HEAD", "../.."):
        pass
    for name in ("none", "/etc", "", None):
        with pytest.raises(PathNotFound):
            repo.views.close(name)
    assert left(repo) == []


def test_a_repository_of_others_says_to_export(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *args, **kwargs: False)
    with pytest.raises(EngineFailed, match="is not writable for you") as raised, repo.view("HEAD"):
        pass
    assert "jvs export" in (raised.value.hint or "")


# By hand.


def jvs(repo: Repository, *args: str, **how: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "jvs_core.cli", "--repo", str(repo.root), *args]
    return subprocess.run(line, capture_output=True, text=True, check=False, **how)  # type: ignore[call-overload, no-any-return]


def here(repo: Repository, *args: str) -> Outcome:
    """Run a command in this process."""
    return cli.execute(["--repo", str(repo.root), *args])


def test_a_view_opened_by_hand_stays_until_it_is_closed(repo: Repository) -> None:
    shown = jvs(repo, "view", "HEAD~1", "data/0.csv").stdout.rstrip("\n")
    assert Path(shown).read_text() == "0"
    (listed,) = here(repo, "view").to_json()
    assert listed["path"] == shown
    assert not listed["abandoned"]
    assert repo.doctor(repairs=RUNTIME_REPAIRS, strict=True).findings == []
    assert Path(shown).exists()
    assert list(here(repo, "view", "--close", shown).lines) == [f"Closed {shown}"]
    assert (left(repo), intents(repo)) == ([], 0)
    assert list(here(repo, "view").lines) == ["No view is open"]


def test_the_same_view_is_given_again_and_closing_without_a_name_closes_all(repo: Repository) -> None:
    first = here(repo, "view", "HEAD").to_json()
    assert first.keys() == {"path"}
    assert here(repo, "view", "HEAD").to_json() == first
    here(repo, "view", "HEAD~1")
    with repo.view("HEAD"):
        assert len(here(repo, "view", "--close").to_json()["closed"]) == 2
        assert len(repo.views.all()) == 1
        with pytest.raises(InputError):
            here(repo, "view", "--close", "one", "two")
    assert left(repo) == []


def test_a_session_that_ended_leaves_a_view_that_doctor_closes(repo: Repository) -> None:
    shell = f"{sys.executable} -m jvs_core.cli --repo {repo.root} view HEAD~1; true"
    shown = subprocess.run(
        ["/bin/sh", "-c", shell], capture_output=True, text=True, check=True, start_new_session=True
    ).stdout.strip()
    assert Path(shown, "run.sh").exists()
    (listed,) = repo.views.all()
    assert listed.abandoned
    assert "its session has ended" in "".join(here(repo, "view").lines)
    assert [finding.message.rpartition(" was ")[2] for finding in repo.doctor().findings] == ["not closed"]
    assert repo.gc.plan(keep_last=1).candidates == []  # until then it is kept
    repo.doctor(repairs=RUNTIME_REPAIRS)
    assert (left(repo), intents(repo), repo.doctor(strict=True).findings) == ([], 0, [])


def test_a_running_program_keeps_its_view_and_a_killed_one_does_not(repo: Repository) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, repo.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        shown = child.stdout.readline().strip()
        with pytest.raises(Conflict, match=f"process {child.pid}"):
            repo.views.close(shown)
        assert repo.doctor(repairs=RUNTIME_REPAIRS, strict=True).findings == []
        with repo.view("HEAD") as mine:
            assert str(mine) == shown
            child.kill()
            child.wait()
            assert len(repo.doctor().findings) == 1
            repo.doctor(repairs=RUNTIME_REPAIRS)
            assert (mine / "run.sh").exists()
    assert (left(repo), intents(repo), repo.doctor(strict=True).findings) == ([], 0, [])


def test_a_view_by_hand_of_another_machine_is_left_alone(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(repo, "view", "HEAD")
    monkeypatch.setattr(process.clock, "boot_id", lambda: "another")  # type: ignore[attr-defined]
    monkeypatch.setattr(process, "_machine_id", lambda: "0" * 32)
    (path,) = (repo.root / ".jvs" / "intents").iterdir()
    os.utime(path, (0, 0))
    assert repo.doctor(repairs=RUNTIME_REPAIRS, strict=True).findings == []
    assert len(left(repo)) == 1
    repo.views.close(left(repo)[0])
    assert left(repo) == []


# Crashes.

POINTS = [f"{when} {step}" for step in ("intent", "view", "clone", "publish") for when in ("before", "after")]


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("point", "path"), [*((point, "") for point in (*POINTS, "open", "closing")), ("after view", "data")]
)
def test_a_crash_leaves_nothing_that_doctor_does_not_clear(
    real: Repository, point: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        progress: Progress = children.Steps(at=point, act=children.die)
        with real.view("HEAD", path, progress=progress):
            if point == "open":
                children.die()

            class Dying:
                def remove(self, tree: Path) -> None:
                    children.die()

            monkeypatch.setattr("jvs_core.operations.context.Context.removal_engine", lambda ctx: Dying())

    outcome = children.run(work)
    assert outcome == children.KILLED, outcome
    real.doctor(repairs=RUNTIME_REPAIRS)
    assert (left(real), intents(real), real.doctor(strict=True).findings) == ([], 0, [])
    with real.view("HEAD", path) as shown:
        assert shown.exists()
    assert real.verify(every=True).ok


def test_a_folder_whose_intent_a_power_cut_took_is_found(repo: Repository) -> None:
    with repo.view("HEAD"):
        for path in (repo.root / ".jvs" / "intents").iterdir():
            path.unlink()
        (finding,) = repo.doctor().findings
        assert finding.target.startswith(".jvs/views/")
        repo.doctor(repairs=RUNTIME_REPAIRS)
        assert left(repo) == []
    assert repo.doctor(strict=True).findings == []


def test_views_work_without_any_real_file_system(repo: Repository) -> None:
    with repo.view("HEAD", "data") as shown:
        assert (shown / "0.csv").read_text() == "changed"
        assert not (shown / "0.csv").stat().st_mode & WRITE
        (shown / "0.csv").chmod(0o600)
        (shown / "0.csv").write_text("spoilt!")
        with repo.view("HEAD", "data") as other:
            assert (other / "0.csv").read_text() == "changed"


# Planted records.


@pytest.mark.parametrize(
    "details",
    [
        {"tree": "../../main"},
        {"tree": "/etc"},
        {"temporary": "../../../main"},
        {"temporary": ".x.tmp"},
        {"inner": "2e2e2f2e2e"},
        {"inner": "zz"},
        {"by_hand": "yes"},
    ],
    ids=str,
)
def test_a_planted_intent_leads_nowhere(repo: Repository, details: dict[str, object]) -> None:
    with repo.view("HEAD"):
        (path,) = (repo.root / ".jvs" / "intents").iterdir()
        record = json.loads(path.read_text())
        path.write_text(
            json.dumps({**record, "process_start": 0, "details": {**record["details"], **details}})
        )
        try:
            shown = [view.path for view in repo.views.all()]
            assert all(".." not in path for path in shown) or details.keys() == {"inner"}
            repo.doctor(repairs=RUNTIME_REPAIRS)
            repo.views.close("/etc")
        except (DescriptorCorrupt, PathEscape, PathNotFound):
            pass
        assert (repo.root / "main" / "run.sh").exists()


def test_a_link_in_the_place_of_views_is_refused(repo: Repository, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (repo.root / ".jvs" / "views").symlink_to(elsewhere)
    with pytest.raises(JvsError), repo.view("HEAD"):
        pass
    assert list(elsewhere.iterdir()) == []


def test_a_program_that_leads_the_session_keeps_its_own_views(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel leads a session: ``jvs view --close`` that a cell runs is not about the kernel's own blocks."""
    monkeypatch.setattr(process, "session", process.own)
    with repo.view("HEAD") as shown:
        by_hand = repo.views.open("HEAD", by_hand=True)
        assert by_hand.path == str(shown)
        assert [view.by_hand for view in repo.views.close(by_hand=True)] == [True]
        assert shown.exists()
        with pytest.raises(PathNotFound):
            repo.views.close(by_hand=True)
    repo.views.open("HEAD", by_hand=True)
    assert len(repo.views.close()) == 1
    assert left(repo) == []
