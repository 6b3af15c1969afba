"""Requirements of writing: one writer at a time, nothing overwritten unasked, nothing half done."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jvs_core.conformance.requirement import Chapter, Facts, Scene, demand, refused
from jvs_core.errors import JvsError
from jvs_core.payload.tree.walk import scan
from jvs_core.repository import Repository

writing = Chapter("writing")

_QUICK = {"duration_ms": 1000, "max_clock_skew_ms": 0, "steal_grace_ms": 0}


@writing("lock-conflict", "Nobody else gets a lock that is held; the error names its holder and times")
def _lock_conflict(scene: Scene) -> None:
    repo = scene.repository()
    repo.locks.acquire(purpose="first")
    with refused("E_LOCK_CONFLICT") as caught:
        scene.opened(repo.root, session="other").locks.acquire()
    demand(
        repo.locks.status().lock is not None, "the holder lost the lock when JVS refused it to somebody else"
    )
    demand(scene.settings.holder_id in caught[0].message, "the error does not name the holder")
    with refused("E_LOCK_NOT_HELD"):
        scene.opened(repo.root, session="other").snapshot("not mine")
    with refused("E_LOCK_CONFLICT"):
        scene.opened(repo.root, session="other").snapshot("not mine", lock=True)
    demand(repo.history() == [], "somebody without the lock took a snapshot")


@writing("lock-needed", "Without the lock, snapshots and in-place restores fail")
def _lock_needed(scene: Scene) -> None:
    repo = scene.repository()
    with refused("E_LOCK_NOT_HELD"):
        repo.snapshot("no lock")
    taken = repo.snapshot("with lock", lock=True)
    (repo.root / "main" / "notes.txt").write_text("changed")
    with refused("E_LOCK_NOT_HELD"):
        repo.restore_inplace(taken.snapshot_id, reason="no lock")
    demand((repo.root / "main" / "notes.txt").read_text() == "changed", "the worktree was changed")
    demand(len(repo.history(every=True)) == 1, "a snapshot was made")


@writing("fencing", "If somebody else took over a lock, its old holder publishes nothing")
def _fencing(scene: Scene) -> Facts:
    repo = scene.repository(lease=_QUICK)
    first = repo.locks.acquire(lease_ms=1000)
    other = scene.opened(repo.root, session="other")
    second = other.locks.acquire(wait_s=30)
    demand(second.fencing_token > first.fencing_token, "the fencing token did not grow")
    with refused("E_FENCING_MISMATCH"):
        repo.snapshot("late")
    with refused("E_FENCING_MISMATCH"):
        repo.locks.renew()
    demand(repo.history() == [], "the holder without a valid lease published its snapshot")
    demand(
        other.snapshot("mine").fencing_token == second.fencing_token, "the snapshot has another fencing token"
    )
    return {"tokens": [first.fencing_token, second.fencing_token]}


@writing("lease-expires", "After a lease expired, its holder publishes nothing")
def _lease_expires(scene: Scene) -> None:
    repo = scene.repository(lease=_QUICK)
    repo.locks.acquire(lease_ms=1000)
    deadline = time.monotonic() + 30
    while repo.locks.status().state == "held":
        demand(time.monotonic() < deadline, "a lease of one second is still valid after 30 seconds")
        time.sleep(0.05)
    with refused("E_LOCK_EXPIRED"):
        repo.snapshot("late")
    demand(repo.history() == [], "the holder without a valid lease published its snapshot")


@writing("safe-restore", "A restore makes a new worktree and changes no other")
def _safe_restore(scene: Scene) -> None:
    repo = scene.repository()
    taken = repo.snapshot("one", lock=True)
    (repo.root / "main" / "notes.txt").write_text("changed")
    before = scan(repo.root / "main")
    restored = repo.restore(taken.snapshot_id)
    after = scan(repo.root / "main")
    demand((before.entries, before.stamps) == (after.entries, after.stamps), "the restore changed main")
    demand(
        (Path(restored.path) / "notes.txt").read_text() == "notes\n",
        "the new worktree differs from the snapshot",
    )
    with refused("E_ALREADY_EXISTS"):
        repo.restore(taken.snapshot_id, name=restored.worktree)


@writing(
    "inplace-undo",
    "An in-place restore needs a reason, first saves the present in a snapshot, and you can undo it",
)
def _inplace_undo(scene: Scene) -> None:
    repo = scene.repository()
    taken = repo.snapshot("one", lock=True)
    (repo.root / "main" / "notes.txt").write_text("changed")
    (repo.root / "main" / "new.txt").write_text("new")
    with refused("E_USAGE"):
        repo.restore_inplace(taken.snapshot_id, reason=" ", lock=True)
    done = repo.restore_inplace(taken.snapshot_id, reason="back", lock=True)
    demand(done.pre_restore_snapshot_id, "the present was not saved")
    demand(
        (repo.root / "main" / "notes.txt").read_text() == "notes\n", "the content differs from the snapshot"
    )
    demand(not (repo.root / "main" / "new.txt").exists(), "a file that is not in the snapshot is still there")
    demand(repo.status().clean, "the worktree is not clean afterwards")
    repo.undo(lock=True)
    demand(
        (repo.root / "main" / "notes.txt").read_text() == "changed", "undo did not restore the old content"
    )
    demand((repo.root / "main" / "new.txt").read_text() == "new", "undo did not restore a new file")


@writing("nothing-outside", "No name or link leads outside the repository")
def _nothing_outside(scene: Scene) -> None:
    repo = scene.repository()
    repo.snapshot("one", lock=True)
    for name in ("", ".", "..", "a/b", "/abs", "a\nb", "main", "-x"):
        with refused("E_NAME_INVALID"):
            repo.worktrees.create(name)
    with refused("E_PATH_ESCAPE", "E_PATH_NOT_FOUND"):
        repo.restore_path("HEAD", "../../outside")
    outside = scene.folder / "outside"
    outside.mkdir()
    repo.worktrees.create("linked")
    os.rename(repo.root / "worktrees" / "linked", repo.root / "worktrees" / "away")
    (repo.root / "worktrees" / "linked").symlink_to(outside)
    with refused("E_PATH_ESCAPE"):
        scene.opened(repo.root).snapshot("linked", worktree="linked", lock=True)
    demand(os.listdir(outside) == [], "JVS wrote something outside the repository")


@writing("refs-immutable", "A ref never moves")
def _refs_immutable(scene: Scene) -> None:
    repo = scene.repository()
    first = repo.snapshot("one", lock=True)
    repo.refs.create("base", first.snapshot_id)
    (repo.root / "main" / "notes.txt").write_text("changed")
    second = repo.snapshot("two", lock=True)
    with refused("E_ALREADY_EXISTS"):
        repo.refs.create("base", second.snapshot_id)
    demand(repo.resolve("base") == first.snapshot_id, "the ref names another snapshot now")


@writing("unsaved-kept", "JVS removes a worktree with unsaved changes only if you force it")
def _unsaved_kept(scene: Scene) -> None:
    repo = scene.repository()
    repo.snapshot("one", lock=True)
    repo.worktrees.create("exp")
    (repo.worktrees.path("exp") / "new.txt").write_text("new")
    with refused("E_UNSAVED_CHANGES"):
        repo.worktrees.remove("exp")
    demand((repo.worktrees.path("exp") / "new.txt").exists(), "the unsaved change is gone")
    repo.worktrees.remove("exp", force=True)
    demand(not (repo.root / "worktrees" / "exp").exists(), "the worktree still exists after a forced removal")


@writing("reading-changes-nothing", "Status, history, comparison, verify and doctor change nothing")
def _reading_changes_nothing(scene: Scene) -> None:
    repo = scene.repository()
    first = repo.snapshot("one", lock=True)
    (repo.root / "main" / "notes.txt").write_text("changed")
    before = _everything_below(repo.root)
    repo.status()
    repo.history()
    repo.show(first.snapshot_id)
    repo.ls(first.snapshot_id)
    repo.compare(first.snapshot_id)
    repo.verify(every=True)
    repo.doctor(strict=True)
    changed = sorted(_everything_below(repo.root) ^ before)
    demand(not changed, f"changed: {[path for path, *_ in changed][:3]}")


def _everything_below(root: Path) -> set[tuple[bytes, str, int, int, int]]:
    """Return what lies below ``root``; of folders not the time, which a file that came and went has moved."""
    return {
        (entry.path, entry.kind, entry.mode, entry.size, 0 if entry.kind == "d" else entry.mtime_ns)
        for entry in scan(root).entries
    }


@writing(
    "all-logged", "The audit log has every operation that changes something, and says who did it and to what"
)
def _all_logged(scene: Scene) -> Facts:
    repo = scene.repository()
    first = repo.snapshot("one", lock=True)
    (repo.root / "main" / "notes.txt").write_text("changed")
    _everything(repo, first.snapshot_id)
    records = repo.audit.log()[::-1]
    demand(
        [record.operation for record in records] == _LOGGED,
        f"logged were {[record.operation for record in records]}",
    )
    silent = [
        record.operation for record in records if not (record.actor and record.session_id and record.target)
    ]
    demand(not silent, f"without actor or target: {silent}")
    return {"operations": sorted(set(_LOGGED))}


_LOGGED = [
    *("init", "snapshot", "snapshot", "restore", "undo"),
    *("restore", "worktree_create", "worktree_rename", "worktree_remove", "ref_create", "ref_delete"),
]


def _everything(repo: Repository, snapshot_id: str) -> None:
    repo.restore_inplace(snapshot_id, reason="back", lock=True)
    repo.undo(lock=True)
    repo.restore(snapshot_id, name="back")
    repo.worktrees.create("exp")
    repo.worktrees.rename("exp", "exp2")
    repo.worktrees.remove("exp2")
    repo.refs.create("base", snapshot_id)
    repo.refs.delete("base")


@writing("refusal-logs-nothing", "A refused operation leaves no record and no trace")
def _refusal_logs_nothing(scene: Scene) -> None:
    repo = scene.repository()
    before = len(repo.audit.log())
    for attempt in (
        lambda: repo.snapshot("no lock"),
        lambda: repo.restore("0123456789012-00000000"),
        lambda: repo.refs.create("HEAD", "HEAD"),
    ):
        try:
            attempt()
        except JvsError:
            continue
    demand(len(repo.audit.log()) == before, "a refused operation was logged")
