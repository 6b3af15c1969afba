"""What a repository holds that a fault must not touch, and how it is after one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core import Repository
from jvs_core.errors import LockExpired, LockNotHeld
from jvs_core.results import Finding
from jvs_core.settings import RepositoryConfig, render_config
from tests.crash import children
from tests.support.metadata import Metadata, but_times, metadata_of
from tests.support.passing import let_pass

Tree = dict[bytes, Metadata]
# What is in a snapshot that nothing needs, so that gc may take it.
THROWN = "thrown"
# Of what the stories let a process take and be killed with.
LONGEST_LEASE_S = 30
REPAIRS = ("clean_tmp", "clean_locks", "clean_intents", "finish_restore", "advance_head")


@dataclass(frozen=True)
class World:
    """Every user's byte: the trees of the worktrees by name, the payloads of the snapshots by id, and the refs.

    ``refs`` also holds the notes that were edited afterwards, as ``note of <snapshot>``.
    """

    worktrees: dict[str, Tree]
    snapshots: dict[str, Tree]
    refs: dict[str, str]

    def visible(self) -> tuple[dict[str, Tree], dict[str, str]]:
        """Return what an operation is about: worktrees and refs."""
        return self.worktrees, self.refs


def build(root: Path, prepare: Callable[[Repository], object]) -> Repository:
    """Make a repository with two snapshots, a ref, a second worktree, the lock held, and unsaved changes in main.

    It and ``prepare`` run in a process that is gone afterwards, as after a restart: no intent is anybody's then.
    """
    assert children.run(lambda: prepare(_build(root))) == children.DONE
    return Repository.open(root)


def _build(root: Path) -> Repository:
    repo = Repository.init(root)
    main = repo.root / "main"
    (main / "kept").mkdir()
    (main / "kept" / "data.bin").write_bytes(os.urandom(20_000))
    (main / "changed.txt").write_text("old")
    (main / "gone").mkdir()
    (main / "gone" / "deep.txt").write_text("gone")
    (main / "link").symlink_to("changed.txt")
    repo.locks.acquire()
    first = repo.snapshot("one")
    (main / "changed.txt").write_text("newer")
    (main / "gone" / "deep.txt").unlink()
    (main / "gone").rmdir()
    (main / "added.txt").write_text("added")
    repo.snapshot("two")
    repo.refs.create("first", first.snapshot_id)
    repo.worktrees.create("exp", from_=first.snapshot_id)
    (main / "changed.txt").write_text("unsaved")
    (main / "new").mkdir()
    (main / "new" / "file").write_text("unsaved too")
    return repo


def tree_of(folder: Path) -> Tree:
    """Return the tree below ``folder``, times left out: an in-place restore gives what it replaces that of now."""
    return but_times(metadata_of(folder, holes=False))


def payload_of(repo: Repository, snapshot_id: str) -> Tree:
    """Return the tree of a payload, with the modes that its sealed files have in a worktree."""
    modes = {os.fsencode(entry.path): int(entry.mode, 8) for entry in repo.ls(snapshot_id, recursive=True)}
    found = tree_of(repo.root / ".jvs" / "snapshots" / snapshot_id / "payload")
    return {
        path: one._replace(mode=modes[path]) if one.kind == "file" else one for path, one in found.items()
    }


def look(repo: Repository) -> World:
    """Return the repository's world as its own commands show it."""
    whole = [item.descriptor for item in repo.history(every=True) if not item.expired]
    snapshots = [descriptor.snapshot_id for descriptor in whole]
    notes = {f"note of {one.snapshot_id}": one.note for one in whole if one.note != one.original.note}
    return World(
        worktrees={info.name: tree_of(Path(info.path)) for info in repo.worktrees.all()},
        snapshots={snapshot_id: payload_of(repo, snapshot_id) for snapshot_id in snapshots},
        refs={**{ref.name: ref.snapshot_id for ref in repo.refs.all()}, **notes},
    )


def require_sound(root: Path, before: World, allowed: Callable[[World], bool]) -> World:
    """Hold a repository that a fault hit against what it was; mend it by ``doctor``; return what it is then.

    Before the repair every visible snapshot verifies. After it the repository is healthy, nothing saved is lost,
    worktrees and refs are as they were or as ``allowed`` says, nothing temporary is left, and work goes on.
    """
    repo = Repository.open(root)
    report = repo.verify(every=True)
    assert not [found for found in report.snapshots if found.severity == "critical"], report
    repo = _settled(repo)
    assert _mended(repo) == []
    after = look(repo)
    kept = {key: tree for key, tree in before.snapshots.items() if THROWN.encode() not in tree}
    assert after.snapshots.items() >= kept.items()
    assert all(before.snapshots.get(key, tree) == tree for key, tree in after.snapshots.items())
    assert after.visible() == before.visible() or allowed(after), _difference(before, after)
    known = [tree for world in (before, after) for tree in world.snapshots.values()]
    for name, tree in before.worktrees.items():
        assert after.worktrees.get(name) == tree or allowed(after) or tree in known, name
    require_tidy(repo)
    repo.snapshot("work goes on", lock=True, wait_s=30)
    final = repo.verify(every=True)
    assert final.ok, final
    assert repo.status().clean
    return after


def _mended(repo: Repository) -> list[Finding]:
    """Repair, and return what is found after it; a lease that only the dead process could give back is let run out."""
    while True:
        held = [info.name for info in repo.worktrees.all() if info.lock_state == "held"]
        report = repo.doctor(repairs=REPAIRS, strict=True)
        found = [finding for finding in report.findings if finding.severity != "info"]
        if not held or not found:
            return found
        let_pass(LONGEST_LEASE_S)


def _settled(repo: Repository) -> Repository:
    """Give back what the dead process held of the lock, so that nobody works under the end of a short lease."""
    age(repo)
    with suppress(LockNotHeld, LockExpired):
        repo.locks.release()
    repo_config = repo.root / ".jvs" / "config.toml"
    repo_config.write_text(render_config(RepositoryConfig()))
    return Repository.open(repo.root)


def age(repo: Repository) -> None:
    """Let a minute pass for temporary names and unwritten locks, which until then may be somebody's at work."""
    control = repo.root / ".jvs"
    unwritten = [path for path in control.glob("locks/*/[0-9]*") if not path.read_bytes().strip(b"\0")]
    for path in [*control.glob("intents/.*.tmp"), *control.glob("runs/.*.tmp"), *unwritten]:
        os.utime(path, (0, 0))


def require_tidy(repo: Repository) -> None:
    """Make sure that no operation left an intent or a temporary name behind."""
    control = repo.root / ".jvs"
    assert os.listdir(control / "intents") == []
    for folder in (
        "snapshots",
        "descriptors",
        "annotations",
        "refs",
        "worktrees",
        "gc/pins",
        "gc/plans",
        "gc/tombstones",
        "runs",
    ):
        assert [name for name in os.listdir(control / folder) if name.endswith(".tmp")] == [], folder
    assert sorted(os.listdir(repo.root / "worktrees")) == sorted(
        info.name for info in repo.worktrees.all() if info.name != "main"
    )


def _difference(before: World, after: World) -> str:
    names = before.worktrees.keys() | after.worktrees.keys()
    changed = {
        name: sorted(
            path
            for path in {*before.worktrees.get(name, {}), *after.worktrees.get(name, {})}
            if before.worktrees.get(name, {}).get(path) != after.worktrees.get(name, {}).get(path)
        )
        for name in sorted(names)
    }
    return f"worktrees differ: {changed}; refs: {before.refs} then {after.refs}"
