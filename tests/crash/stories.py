"""The operations that faults are tried on: how each begins, what it does, and what it is to leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jvs_core import Progress, Repository
from jvs_core.control.lock import slots
from jvs_core.progress import SILENT
from jvs_core.settings import LeaseConfig, RepositoryConfig, from_environment, render_config
from tests.crash import children
from tests.crash.worlds import REPAIRS, THROWN, Tree, World

Visible = tuple[dict[str, Tree], dict[str, str]]
LEASE_MS = 8000


@dataclass(frozen=True)
class Story:
    """One operation on the world that ``worlds.build`` makes.

    ``after`` is what it makes of worktrees and refs; snapshots that hold ``thrown`` may be gone.
    """

    name: str
    act: Callable[[Repository, Progress], object]
    prepare: Callable[[Repository], object] = lambda repo: None
    after: Callable[[World], Visible] = World.visible

    def __str__(self) -> str:
        return self.name


def _worktrees(before: World, **changed: Tree | None) -> Visible:
    trees = {**before.worktrees, **changed}
    return {name: tree for name, tree in trees.items() if tree is not None}, before.refs


def _first(before: World) -> Tree:
    return before.snapshots[before.refs["first"]]


def _release(repo: Repository) -> None:
    """Free the lock, and let leases be short: one that a killed process took is waited for."""
    repo.locks.release()
    config = RepositoryConfig(
        lease=LeaseConfig(duration_ms=LEASE_MS, renew_interval_ms=500, max_clock_skew_ms=0, steal_grace_ms=0)
    )
    (repo.root / ".jvs" / "config.toml").write_text(render_config(config))


def _leave_expired(repo: Repository) -> None:
    """Let the lock be one that another session left behind long ago."""
    _release(repo)
    other = Repository.open(repo.root, settings=replace(from_environment(), session="other"))
    record = other.locks.acquire()
    past = {"last_renewed_at": "2026-01-01T00:00:00.000Z", "lease_expires_at": "2026-01-01T00:00:01.000Z"}
    path = repo.root / ".jvs" / "locks" / record.worktree_id / str(record.fencing_token)
    slots.update(path, lambda value: {**value, **past})


def _restored(repo: Repository) -> None:
    repo.restore_inplace("first", reason="to be undone")
    (repo.root / "main" / "after.txt").write_text("made after the restore")


def _undo(repo: Repository) -> None:
    repo.restore_inplace("first", reason="to be undone")
    repo.undo()


def _undone(before: World) -> Visible:
    pre = [tree for tree in before.snapshots.values() if b"new/file" in tree]
    return _worktrees(before, main=pre[-1])


def throw_away(repo: Repository) -> None:
    """Leave a snapshot behind that nothing needs."""
    repo.worktrees.create("short-lived", from_="first")
    (repo.root / "worktrees" / "short-lived" / THROWN).write_text("nobody needs it")
    made = repo.snapshot("thrown away", worktree="short-lived", lock=True)
    repo.annotate(made.snapshot_id, add_tags=["thrown"])
    repo.worktrees.remove("short-lived")


def _collect(repo: Repository, progress: Progress) -> None:
    repo.gc.run(repo.gc.plan(progress=progress).plan_id, progress=progress)


def _leak(repo: Repository) -> None:
    """Leave a snapshot in the middle of a history, and a kept copy, that somebody wants to be rid of."""
    place = repo.root / "worktrees" / "exp" / THROWN
    place.write_text("a secret")
    repo.snapshot("leaked", worktree="exp", lock=True)
    repo.timeline.keep_file(THROWN, "delete", worktree="exp")
    place.unlink()
    repo.snapshot("clean", worktree="exp", lock=True)


def _drop(repo: Repository, progress: Progress) -> None:
    leaked = [item.descriptor.snapshot_id for item in repo.history(every=True, grep="leaked")]
    copies = [copy.copy_id for copy in repo.timeline.copies("exp")]
    plan = repo.gc.plan(drop=[*leaked, *copies], progress=progress)
    repo.gc.run(plan.plan_id, progress=progress)


def _changed(repo: Repository) -> None:
    (repo.root / "worktrees" / "exp" / "result.txt").write_text("a week of work")


def _killed(point: str, work: Callable[[Repository, Progress], object]) -> Callable[[Repository], None]:
    """Return a preparation that leaves behind what a process killed at ``point`` of ``work`` leaves."""

    def prepare(repo: Repository) -> None:
        progress = children.Steps(at=point, act=children.die)
        assert children.run(lambda: work(repo, progress)) == children.KILLED

    return prepare


def _in_place(repo: Repository, progress: Progress) -> None:
    repo.restore_inplace("first", reason="test", progress=progress)


def _thrown_and_killed(repo: Repository) -> None:
    throw_away(repo)
    _killed("after trash", _collect)(repo)


def _repair(repo: Repository, progress: Progress) -> None:
    repo.doctor(repairs=REPAIRS, progress=progress)


def _sandbox(repo: Repository, progress: Progress) -> None:
    with repo.sandbox("first", progress=progress) as box:
        (box.path / "made.txt").write_text("made")


def _isolated_run(repo: Repository, progress: Progress) -> None:
    with repo.worktrees.isolated_run("run-1", from_="first", progress=progress) as made:
        progress.started("run")
        (made.path / "made.txt").write_text("made")
        progress.finished("run")


def _replaced_path(before: World) -> Visible:
    tree = dict(before.worktrees["main"])
    tree[b"changed.txt"] = _first(before)[b"changed.txt"]
    return _worktrees(before, main=tree)


def _extracted_path(before: World) -> Visible:
    tree = dict(before.worktrees["main"])
    return _worktrees(before, main={**tree, b"old.txt": _first(before)[b"changed.txt"]})


def _keep(repo: Repository, _progress: Progress) -> None:
    repo.timeline.keep_file("changed.txt", "delete")


def _put_back(repo: Repository, progress: Progress) -> None:
    (copy,) = repo.timeline.copies()
    repo.timeline.put_back("changed.txt", copy.copy_id, to="back.txt", progress=progress)


def _with_copy(before: World) -> Visible:
    tree = dict(before.worktrees["main"])
    return _worktrees(before, main={**tree, b"back.txt": tree[b"changed.txt"]})


def _automatic(repo: Repository) -> None:
    """Leave two automatic snapshots behind, the older of which nothing keeps."""
    repo.worktrees.create("short-lived", from_="first")
    for number in range(2):
        (repo.root / "worktrees" / "short-lived" / THROWN).write_text(str(number))
        repo.snapshot(kind="auto", worktree="short-lived", lock=True)
    repo.worktrees.remove("short-lived")
    config = repo.root / ".jvs" / "config.toml"
    config.write_text(config.read_text() + '\n[timeline]\nkeep = ["rest:1w"]\n')


def _thin(repo: Repository, progress: Progress) -> None:
    repo.timeline.thin(every=True, progress=progress)


STORIES = [
    Story("keep_file", _keep),
    Story("put_back", _put_back, lambda repo: _keep(repo, SILENT), after=_with_copy),
    Story("timeline thin", _thin, _automatic),
    Story("snapshot", lambda repo, progress: repo.snapshot("three", progress=progress)),
    Story(
        "snapshot --lock",
        lambda repo, progress: repo.snapshot("three", lock=True, wait_s=5, progress=progress),
        _release,
    ),
    Story(
        "restore",
        lambda repo, progress: repo.restore("first", name="back", progress=progress),
        after=lambda before: _worktrees(before, back=_first(before)),
    ),
    Story(
        "restore --inplace",
        _in_place,
        after=lambda before: _worktrees(before, main=_first(before)),
    ),
    Story("undo", lambda repo, progress: repo.undo(force=True, progress=progress), _restored, _undone),
    Story(
        "redo",
        lambda repo, progress: repo.redo(progress=progress),
        _undo,
        lambda before: _worktrees(before, main=_first(before)),
    ),
    Story(
        "restore --path",
        lambda repo, progress: repo.restore_path("first", "changed.txt", to="old.txt", progress=progress),
        after=_extracted_path,
    ),
    Story(
        "restore --path --inplace",
        lambda repo, progress: repo.restore_path(
            "first", "changed.txt", inplace=True, reason="test", progress=progress
        ),
        after=_replaced_path,
    ),
    Story(
        "worktree create",
        lambda repo, progress: repo.worktrees.create("made", from_="first", progress=progress),
        after=lambda before: _worktrees(before, made=_first(before)),
    ),
    Story(
        "worktree rename",
        lambda repo, progress: repo.worktrees.rename("exp", "renamed"),
        after=lambda before: _worktrees(before, exp=None, renamed=before.worktrees["exp"]),
    ),
    Story(
        "worktree remove",
        lambda repo, progress: repo.worktrees.remove("exp", force=True, progress=progress),
        after=lambda before: _worktrees(before, exp=None),
    ),
    Story(
        "worktree remove of changes",
        lambda repo, progress: repo.worktrees.remove("exp", force=True, progress=progress),
        _changed,
        after=lambda before: _worktrees(before, exp=None),
    ),
    Story(
        "worktree remove of what is saved",
        lambda repo, progress: repo.worktrees.remove("exp", progress=progress),
        after=lambda before: _worktrees(before, exp=None),
    ),
    Story(
        "ref create",
        lambda repo, progress: repo.refs.create("second", "HEAD"),
        after=lambda before: (before.worktrees, {**before.refs, "second": max(before.snapshots)}),
    ),
    Story(
        "ref delete",
        lambda repo, progress: repo.refs.delete("first"),
        after=lambda before: (before.worktrees, {}),
    ),
    Story(
        "annotate",
        lambda repo, progress: repo.annotate("HEAD", note="edited", add_tags=["good"]),
        after=lambda before: (
            before.worktrees,
            {**before.refs, f"note of {max(before.snapshots)}": "edited"},
        ),
    ),
    Story("lock acquire", lambda repo, progress: repo.locks.acquire(lease_ms=LEASE_MS), _release),
    Story("lock steal", lambda repo, progress: repo.locks.acquire(lease_ms=LEASE_MS), _leave_expired),
    Story("lock renew", lambda repo, progress: repo.locks.renew()),
    Story("lock release", lambda repo, progress: repo.locks.release()),
    Story("gc run", _collect, throw_away),
    Story("gc run of a drop", _drop, _leak),
    Story("undo --forget", lambda repo, progress: repo.forget_undo(), _restored),
    Story("gc pin", lambda repo, progress: repo.pins.create("HEAD", reason="test")),
    Story(
        "gc unpin",
        lambda repo, progress: repo.pins.delete(repo.pins.all()[0].pin_id),
        lambda repo: repo.pins.create("HEAD"),
    ),
    Story("sandbox", _sandbox, _release),
    Story("isolated run", _isolated_run, _release),
    Story(
        "doctor after a killed gc run",
        _repair,
        _thrown_and_killed,
    ),
    Story(
        "doctor after a killed snapshot",
        _repair,
        _killed("before head", lambda repo, progress: repo.snapshot("three", progress=progress)),
    ),
    Story(
        "doctor after a killed restore --inplace",
        _repair,
        _killed("after converge", _in_place),
        lambda before: _worktrees(before, main=_first(before)),
    ),
]
