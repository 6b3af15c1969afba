"""Edits that overtake a restore are never replaced before a snapshot holds them, and damage takes nothing with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, renames
from jvs_core.errors import ConsistencyUnavailable, NoSpace, PayloadHashMismatch
from jvs_core.operations.inplace import path_restore, restoring
from jvs_core.payload.engines import subvolume
from jvs_core.payload.inplace import taking
from jvs_core.payload.inplace.guarded import Guarded
from jvs_core.progress import Silent
from tests.crash import children

pytestmark = pytest.mark.in_turn

EDIT = "precious"


class At(Silent):
    """Does something each time that a step begins, at most ``times``."""

    def __init__(self, step: str, act: Callable[[], object], times: int = 1) -> None:
        self.step, self.act, self.times = step, act, times

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step and self.times:
            self.times -= 1
            self.act()


@pytest.fixture
def repo(workdir: Path) -> Repository:
    """A repository with two snapshots, ``one`` and ``two``, of which the worktree holds the second."""
    repo = Repository.init(workdir / "repo")
    write(repo, {"note.txt": "old", "kept.txt": "kept", "d/in.txt": "old", "was": "a file"})
    repo.snapshot("one", lock=True)
    (main(repo) / "was").unlink()
    write(repo, {"note.txt": "new", "d/in.txt": "new", "extra.txt": "new", "was/in.txt": "new"})
    repo.snapshot("two", lock=True)
    return repo


def main(repo: Repository) -> Path:
    return repo.root / "main"


def write(repo: Repository, files: dict[str, str]) -> None:
    for name, text in files.items():
        (main(repo) / name).parent.mkdir(exist_ok=True)
        (main(repo) / name).write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def payload(repo: Repository, snapshot: str) -> Path:
    return Path(repo.show(snapshot).path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda main: (main / "note.txt").write_text(EDIT),
        lambda main: (main / "extra.txt").write_text(EDIT),
        lambda main: (main / "made.txt").write_text(EDIT),
        lambda main: os.rename(_aside(main), main / "note.txt"),
        lambda main: (_unlinked(main / "d" / "in.txt")).write_text(EDIT),
    ],
    ids=["replaced", "removed", "new", "renamed over", "made anew"],
)
def test_an_edit_on_the_way_is_kept_in_a_pinned_snapshot(
    repo: Repository, edit: Callable[[Path], object]
) -> None:
    one = content(payload(repo, "HEAD~1"))
    two = content(payload(repo, "HEAD"))
    done = repo.restore_inplace(
        "HEAD~1", reason="test", lock=True, progress=At("converge", lambda: edit(main(repo)))
    )
    now = content(main(repo))
    if EDIT in now.values():  # a file that the restore has nothing to do with
        assert now == {**one, "made.txt": EDIT}
        return
    assert now == one
    (said,) = done.degraded
    kept = [item.descriptor for item in repo.history(every=True) if item.descriptor.snapshot_id in said]
    assert EDIT in content(payload(repo, kept[0].snapshot_id)).values()
    assert kept[0].snapshot_id in {pin.snapshot_id for pin in repo.pins.all()}
    repo.undo(lock=True)
    assert content(main(repo)) == two
    assert repo.doctor(strict=True).healthy


def _aside(main: Path) -> Path:
    (main / "d" / "aside").write_text(EDIT)
    return main / "d" / "aside"


def _unlinked(path: Path) -> Path:
    path.unlink()
    return path


def test_a_file_made_where_a_folder_is_to_be_is_kept(repo: Repository) -> None:
    repo.restore_inplace("HEAD~1", reason="test", lock=True)
    two = repo.history(every=True)[0].descriptor.snapshot_id

    def edit() -> None:
        (main(repo) / "was").write_text(EDIT)

    done = repo.restore_inplace(two, reason="test", lock=True, progress=At("converge", edit))
    assert (main(repo) / "was" / "in.txt").read_text() == "new"
    assert "was" in done.degraded[0]


def test_what_keeps_changing_stops_the_restore_and_the_next_command_completes_it(repo: Repository) -> None:
    one = content(payload(repo, "HEAD~1"))
    edits = iter(range(100))
    head = repo.history()[1].descriptor.snapshot_id

    def edit() -> None:
        (main(repo) / "note.txt").write_text(f"edit {next(edits)}")

    with pytest.raises(ConsistencyUnavailable, match=r"note\.txt"):
        repo.restore_inplace(head, reason="test", lock=True, progress=At("converge", edit, times=99))
    assert (main(repo) / "note.txt").read_text().startswith("edit")
    repo.snapshot("after", lock=True)
    assert content(main(repo)) == one
    saved = [content(payload(repo, item.descriptor.snapshot_id)) for item in repo.history(every=True)]
    kept = {files["note.txt"] for files in saved} - {"old", "new"}
    assert f"edit {next(edits) - 1}" in kept
    assert len(kept) > 3


def test_a_completion_says_what_it_kept(repo: Repository, caplog: pytest.LogCaptureFixture) -> None:
    one = repo.history()[1].descriptor.snapshot_id
    with pytest.raises(KeyboardInterrupt):
        repo.restore_inplace(one, reason="test", lock=True, progress=At("settle", _interrupt))
    write(repo, {"note.txt": EDIT})
    repo.snapshot("after", lock=True)
    assert (main(repo) / "note.txt").read_text() == "old"
    (told,) = [record.getMessage() for record in caplog.records if "completed" in record.getMessage()]
    plan = repo.gc.plan()
    repo.gc.run(plan.plan_id)
    (kept,) = [item for item in repo.history(every=True) if item.descriptor.snapshot_id in told]
    assert content(payload(repo, kept.descriptor.snapshot_id))["note.txt"] == EDIT


def test_the_command_that_completes_warns_in_its_own_form(repo: Repository) -> None:
    one = repo.history()[1].descriptor.snapshot_id
    with pytest.raises(KeyboardInterrupt):
        repo.restore_inplace(one, reason="test", lock=True, progress=At("settle", _interrupt))
    command = [sys.executable, "-m", "jvs_core.cli", "snapshot", "after", "--lock", "--json"]
    ran = subprocess.run(command, cwd=main(repo), capture_output=True, text=True, check=True)
    assert ran.stderr == "jvs: warning: completed the interrupted in-place restore of worktree 'main'\n"
    assert "snapshot_id" in json.loads(ran.stdout)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _flip(repo: Repository, snapshot: str) -> None:
    """Change the first byte of a snapshot's ``note.txt`` and nothing that a look would show."""
    details = repo.show(snapshot)
    if details.descriptor.engine == "btrfs-snapshot":
        subvolume.set_read_only(Path(details.path), False)
    path = Path(details.path) / "note.txt"
    was = path.stat()
    with path.open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_a_restore_to_a_damaged_snapshot_is_taken_back(repo: Repository) -> None:
    one = repo.history()[1].descriptor.snapshot_id
    two = content(main(repo))
    _flip(repo, one)
    with pytest.raises(PayloadHashMismatch, match=r"note\.txt"):
        repo.restore_inplace(one, reason="test", lock=True)
    assert content(main(repo)) == two
    assert repo.doctor(strict=True).healthy
    repo.snapshot("it goes on", lock=True)


def test_a_damaged_head_is_no_copy_of_the_present(repo: Repository) -> None:
    one, two = repo.history()[1].descriptor.snapshot_id, content(main(repo))
    _flip(repo, "HEAD")
    with pytest.raises(PayloadHashMismatch, match=r"cannot first take a snapshot.*note\.txt"):
        repo.restore_inplace(one, reason="test", lock=True)
    with pytest.raises(PayloadHashMismatch, match="cannot first take a snapshot"):
        repo.restore_path(one, "note.txt", inplace=True, reason="test", lock=True)
    assert content(main(repo)) == two
    repo.restore_path(one, "d", inplace=True, reason="test", lock=True)  # that does not need what is damaged
    os.utime(main(repo) / "note.txt")
    done = repo.restore_inplace(one, reason="test", lock=True)
    assert done.pre_restore_snapshot_id is not None
    assert content(payload(repo, done.pre_restore_snapshot_id))["note.txt"] == "new"


@pytest.mark.parametrize("path", ["note.txt", "d"])
def test_a_path_that_changed_meanwhile_is_not_replaced(repo: Repository, path: str) -> None:
    edited = main(repo) / (path if path == "note.txt" else "d/made.txt")
    with pytest.raises(ConsistencyUnavailable, match=edited.name):
        repo.restore_path(
            "HEAD~1", path, inplace=True, reason="test", lock=True,
            progress=At("clone", lambda: edited.write_text(EDIT)),
        )  # fmt: skip
    assert edited.read_text() == EDIT
    repo.restore_path("HEAD~1", path, inplace=True, reason="test", lock=True)
    repo.undo(lock=True)
    assert edited.read_text() == EDIT
    assert repo.doctor(strict=True).healthy


def test_a_path_that_changed_at_the_last_moment_is_put_back(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = renames.exchange

    def late(one: renames.Name, other: renames.Name) -> bool:
        if EDIT not in content(main(repo)).values():
            (main(repo) / "d" / "in.txt").write_text(EDIT)
        return exchange(one, other)

    monkeypatch.setattr(renames, "exchange", late)
    with pytest.raises(ConsistencyUnavailable, match="d/in"):
        repo.restore_path("HEAD~1", "d", inplace=True, reason="test", lock=True)
    assert (main(repo) / "d" / "in.txt").read_text() == EDIT
    repo.snapshot("after", lock=True)
    assert (main(repo) / "d" / "in.txt").read_text() == EDIT


def test_a_folder_with_a_socket_is_not_replaced(repo: Repository) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(main(repo) / "d" / "sock"))
        with pytest.raises(ConsistencyUnavailable, match="d/sock"):
            repo.restore_path("HEAD~1", "d", inplace=True, reason="test", lock=True)
    assert (main(repo) / "d" / "sock").exists()


def test_the_half_copy_of_a_killed_restore_is_in_no_snapshot(repo: Repository) -> None:
    killed = children.Steps(at="before settle", act=children.die)
    again = Repository.open(main(repo))
    work = partial(again.restore_path, "HEAD~1", "d", to="again", progress=killed)
    assert children.run(work) == children.KILLED
    assert any(name.startswith(".jvs-restore-") for name in os.listdir(main(repo)))
    repo.snapshot("after", lock=True)
    assert not any(name.startswith(".jvs-restore-") for name in os.listdir(payload(repo, "HEAD")))
    assert repo.status().clean
    assert repo.doctor(strict=True).healthy


def test_a_worktree_whose_head_is_damaged_is_not_removed(repo: Repository) -> None:
    made = Path(repo.restore("HEAD", name="w").path)
    details = repo.show("HEAD")
    if details.descriptor.engine == "btrfs-snapshot":
        subvolume.set_read_only(Path(details.path), False)
    os.truncate(Path(details.path) / "note.txt", 1)
    with pytest.raises(PayloadHashMismatch, match=r"note\.txt"):
        repo.worktrees.remove("w")
    assert (made / "note.txt").read_text() == "new"
    repo.worktrees.remove("w", force=True)


def test_a_path_whose_restore_cannot_be_recorded_is_put_back(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(main(repo))

    def full(*_args: object, **_fields: object) -> None:
        raise NoSpace("no space left: the log")

    monkeypatch.setattr(path_restore, "_audit", full)
    with pytest.raises(NoSpace):
        repo.restore_path("HEAD~1", "d", inplace=True, reason="test", lock=True)
    monkeypatch.undo()
    assert content(main(repo)) == before
    repo.snapshot("after", lock=True)
    assert content(main(repo)) == before
    assert repo.doctor(strict=True).healthy


@pytest.mark.parametrize("nth", [3, 4, 5])
def test_one_killed_in_a_later_round_loses_nothing(repo: Repository, nth: int) -> None:
    """Steps begin twice a round, once for the whole and once for the files; the first edit is made in the first."""
    one = content(payload(repo, "HEAD~1"))
    head = repo.history()[1].descriptor.snapshot_id
    seen = [0]

    def act() -> None:
        seen[0] += 1
        if seen[0] in (1, 3):
            (main(repo) / "note.txt").write_text(f"edit {seen[0]}")
        if seen[0] == nth:
            children.die()

    again = Repository.open(main(repo))
    progress = At("converge", act, times=99)
    assert children.run(
        partial(again.restore_inplace, head, reason="test", lock=True, progress=progress)
    ) == (children.KILLED)
    (main(repo) / "note.txt").write_text(EDIT)
    repo.snapshot("after", lock=True)
    assert content(main(repo)) == one
    saved = {
        content(payload(repo, item.descriptor.snapshot_id)).get("note.txt")
        for item in repo.history(every=True)
    }
    assert {"edit 1", EDIT} <= saved
    assert repo.doctor(strict=True).healthy
    assert repo.verify(every=True).ok


def test_one_killed_while_it_is_taken_back_is_taken_back_by_the_next_command(repo: Repository) -> None:
    one = repo.history()[1].descriptor.snapshot_id
    two = content(main(repo))
    _flip(repo, one)
    (main(repo) / "kept.txt").unlink()
    again = Repository.open(main(repo))
    seen = [0]

    def act() -> None:
        seen[0] += 1
        if seen[0] == 4:  # the second round's files: the way back
            children.die()

    progress = At("converge", act, times=99)
    killed = children.run(partial(again.restore_inplace, one, reason="test", lock=True, progress=progress))
    assert killed == children.KILLED
    with pytest.raises(PayloadHashMismatch, match=r"note\.txt"):
        repo.snapshot("once more", lock=True)
    del two["kept.txt"]
    assert content(main(repo)) == two
    repo.snapshot("it goes on", lock=True)
    assert repo.doctor(strict=True).healthy


@pytest.mark.parametrize("whole", [True, False], ids=["worktree", "path"])
def test_a_save_between_the_last_look_and_the_rename_is_not_lost(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    edited = main(repo) / "note.txt"
    looks = (taking, "is_overtaken") if whole else (path_restore, "require_unchanged")
    look = getattr(*looks)

    def look_and_save(*args: Any) -> Any:
        found = look(*args)
        if edited.read_text() == "new":
            (main(repo) / ".note.tmp").write_text(EDIT)
            os.replace(main(repo) / ".note.tmp", edited)
        return found

    monkeypatch.setattr("jvs_core.payload.work.pool.processes", lambda *_: 1)
    monkeypatch.setattr(*looks, look_and_save)
    if whole:
        repo.restore_inplace("HEAD~1", reason="test", lock=True)
        assert edited.read_text() == "old"
        assert any(EDIT in texts.values() for texts in snapshots(repo))
    else:
        with pytest.raises(ConsistencyUnavailable, match="note"):
            repo.restore_path("HEAD~1", "note.txt", inplace=True, reason="test", lock=True)
        assert edited.read_text() == EDIT


@pytest.mark.parametrize("path", ["note.txt", "d"])
@pytest.mark.parametrize("call", [True, False], ids=["with the call", "without it"])
def test_what_is_written_through_an_open_file_while_a_path_is_restored_is_in_a_snapshot(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, path: str, call: bool
) -> None:
    """As it is when a whole worktree is restored. Without the system call that exchanges names it goes by turns."""
    edited = main(repo) / ("d/in.txt" if path == "d" else path)
    add = restoring.add_undo_point
    if not call:
        monkeypatch.setattr(renames, "exchange", lambda *_: False)
    with edited.open("r+") as opened:

        def save(*args: Any) -> Any:
            opened.write(EDIT)
            opened.flush()
            return add(*args)

        monkeypatch.setattr(restoring, "add_undo_point", save)
        repo.restore_path("HEAD~1", path, inplace=True, reason="test", lock=True)
    assert edited.read_text() == "old"
    assert [name for name in os.listdir(edited.parent) if "jvs" in name] == []
    assert any(EDIT in texts.values() for texts in snapshots(repo))
    assert repo.doctor(strict=True).healthy


@pytest.mark.parametrize("path", ["note.txt", "d"])
def test_what_is_saved_over_a_path_whose_restore_fails_stays(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    edited = main(repo) / ("d/in.txt" if path == "d" else path)

    def save_and_fail(*_: Any) -> Any:
        (main(repo) / "aside").write_text(EDIT)
        os.replace(main(repo) / "aside", edited)
        raise NoSpace("no space left")

    monkeypatch.setattr(restoring, "add_undo_point", save_and_fail)
    with pytest.raises(NoSpace):
        repo.restore_path("HEAD~1", path, inplace=True, reason="test", lock=True)
    monkeypatch.undo()
    assert edited.read_text() == EDIT
    (kept,) = main(repo).glob(f"{path}.jvs-kept-*")
    assert (kept / "in.txt" if path == "d" else kept).read_text() == "new"
    repo.snapshot("after", lock=True)
    assert edited.read_text() == EDIT


@pytest.mark.parametrize("path", ["note.txt", "d"])
def test_a_path_that_goes_at_the_last_moment_is_restored(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    exchange = renames.exchange

    def late(one: renames.Name, other: renames.Name) -> bool:
        monkeypatch.setattr(renames, "exchange", exchange)
        (main(repo) / path).rename(main(repo) / "aside")
        return exchange(one, other)

    monkeypatch.setattr(renames, "exchange", late)
    repo.restore_path("HEAD~1", path, inplace=True, reason="test", lock=True)
    edited = main(repo) / ("d/in.txt" if path == "d" else path)
    assert edited.read_text() == "old"


@pytest.mark.parametrize("name", ["note.txt", "back.txt"])
def test_what_is_written_to_a_restored_file_before_the_restore_fails_is_in_a_snapshot(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A file that was there before, and one that the restore brings back."""
    write(repo, {"back.txt": "old"})
    wanted = repo.snapshot("three", lock=True).snapshot_id
    (main(repo) / "back.txt").unlink()
    write(repo, {"note.txt": "newer"})
    repo.snapshot("four", lock=True)
    before = content(main(repo))

    def save_and_fail(*_: Any, **__: Any) -> Any:
        monkeypatch.undo()
        (main(repo) / name).write_text(EDIT)
        raise NoSpace("no space left")

    monkeypatch.setattr(Guarded, "mend", save_and_fail)
    (main(repo) / "kept.txt").chmod(0o600)
    with pytest.raises(NoSpace, match="took back"):
        repo.restore_inplace(wanted, reason="test", lock=True)
    monkeypatch.undo()
    assert content(main(repo)) == before
    assert any(EDIT in texts.values() for texts in snapshots(repo))


def snapshots(repo: Repository) -> list[dict[str, str]]:
    return [content(payload(repo, item.descriptor.snapshot_id)) for item in repo.history(every=True)]
