"""Random histories of one repository, held against a model of dictionaries."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jvs_core import Repository
from jvs_core.errors import (
    GcPlanMismatch,
    InputError,
    JvsError,
    LockNotHeld,
    NothingToUndo,
    SnapshotExpired,
)
from tests.crash import children
from tests.crash.worlds import REPAIRS, age
from tests.properties.conftest import FULL, PROOF
from tests.support.passing import let_pass, passing
from tests.support.suspension import PUBLISHING, suspended

Tree = dict[str, bytes]
LEFT_OUT = "b"
PATHS = ("a", "b", "deep/c", "deep/er/d")
CONTENTS = (b"", b"one", b"two", b"three" * 100)
NAMES = ("x", "y", "z")


@dataclass
class Branch:
    """A worktree as it must be: its files, its head, and what undo goes back to: content and head."""

    tree: Tree
    head: str | None
    undo: list[tuple[Tree, str | None]] = field(default_factory=list)
    redo: list[tuple[Tree, str | None]] = field(default_factory=list)


def files_below(folder: Path) -> Tree:
    found = {}
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here, name)
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


class Histories(RuleBasedStateMachine):
    """What a person may do, and what may happen to him."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jvs-histories-"))
        state = {"JVS_STATE_DIR": str(self.folder / "state"), "JVS_CACHE_DIR": str(self.folder / "cache")}
        self.environment = mock.patch.dict(os.environ, state)
        self.environment.start()
        self.clocks = ExitStack()
        self.clocks.enter_context(passing())
        self.repo = Repository.init(self.folder / "repo0")
        self.moves = 0
        self.branches = {"main": Branch({}, None)}
        self.snapshots: dict[str, Tree] = {}
        self.dropped: set[str] = set()
        self.excluded = False
        self.refs: dict[str, str] = {}
        self.pins: dict[str, str] = {}

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            report = self.repo.verify(every=True)
            assert report.ok, report
            found = self.repo.doctor(strict=True).findings
            assert [finding for finding in found if finding.severity != "info"] == []
            for snapshot_id, tree in self.snapshots.items():
                assert files_below(self.payload(snapshot_id)) == tree
        finally:
            self.clocks.close()
            self.environment.stop()
            shutil.rmtree(self.folder)

    def payload(self, snapshot_id: str) -> Path:
        return self.repo.root / ".jvs" / "snapshots" / snapshot_id / "payload"

    def branch(self, data: st.DataObject) -> tuple[str, Branch]:
        name = data.draw(st.sampled_from(sorted(self.branches)), "worktree")
        return name, self.branches[name]

    def any_snapshot(self, data: st.DataObject) -> str:
        return sorted(self.snapshots)[data.draw(st.integers(0, len(self.snapshots) - 1), "snapshot")]

    def absorb(self, tree: Tree) -> str | None:
        """Take the one snapshot that an operation may have made into the model: it holds ``tree``."""
        items = self.repo.history(every=True)
        assert {item.descriptor.snapshot_id for item in items if item.expired} == self.dropped
        seen = {item.descriptor.snapshot_id for item in items if not item.expired}
        fresh = seen - self.snapshots.keys()
        assert self.snapshots.keys() <= seen
        assert len(fresh) <= 1
        for snapshot_id in fresh:
            self.snapshots[snapshot_id] = self.kept_of(tree)
            return snapshot_id
        return None

    def kept_of(self, tree: Tree) -> Tree:
        """Return what a snapshot of ``tree`` holds."""
        return {path: content for path, content in tree.items() if not (self.excluded and path == LEFT_OUT)}

    def put(self, branch: Branch, tree: Tree) -> None:
        """Let a worktree be ``tree``; what is excluded stays as it is."""
        stays = {LEFT_OUT: branch.tree[LEFT_OUT]} if self.excluded and LEFT_OUT in branch.tree else {}
        branch.tree = {**tree, **stays}

    @rule(data=st.data(), path=st.sampled_from(PATHS), content=st.sampled_from(CONTENTS))
    def change(self, data: st.DataObject, path: str, content: bytes) -> None:
        name, branch = self.branch(data)
        target = self.repo.worktrees.path(name) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        branch.tree[path] = content

    @rule(data=st.data(), path=st.sampled_from(PATHS))
    def delete(self, data: st.DataObject, path: str) -> None:
        name, branch = self.branch(data)
        (self.repo.worktrees.path(name) / path).unlink(missing_ok=True)
        branch.tree.pop(path, None)

    @rule(data=st.data())
    def snapshot(self, data: st.DataObject) -> None:
        name, branch = self.branch(data)
        made = self.repo.snapshot(worktree=name, lock=True)
        assert made.parent_snapshot_id == branch.head
        assert self.absorb(branch.tree) == made.snapshot_id
        branch.head = made.snapshot_id
        assert self.repo.status(name).clean

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def restore(self, data: st.DataObject, name: str) -> None:
        wanted = self.any_snapshot(data)
        if name in self.branches:
            with pytest.raises(JvsError, match="already exists"):
                self.repo.restore(wanted, name=name)
            return
        self.repo.restore(wanted, name=name)
        self.branches[name] = Branch(dict(self.snapshots[wanted]), wanted)

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def restore_inplace(self, data: st.DataObject) -> None:
        name, branch = self.branch(data)
        wanted = self.any_snapshot(data)
        done = self.repo.restore_inplace(wanted, worktree=name, reason="test", lock=True)
        self.absorb(branch.tree)
        assert done.pre_restore_snapshot_id is not None
        assert self.snapshots[done.pre_restore_snapshot_id] == self.kept_of(branch.tree)
        branch.undo = [*branch.undo, (self.kept_of(branch.tree), branch.head)][-16:]
        branch.redo = []
        self.put(branch, self.snapshots[wanted])
        branch.head = wanted
        assert self.repo.status(name).clean

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        name, branch = self.branch(data)
        if not branch.undo:
            with pytest.raises(NothingToUndo):
                self.repo.undo(worktree=name, lock=True)
            return
        before = (self.kept_of(branch.tree), branch.head)
        self.repo.undo(worktree=name, lock=True, force=True)
        self.absorb(branch.tree)
        branch.redo = [*branch.redo, before][-16:]
        tree, branch.head = branch.undo.pop()
        self.put(branch, tree)

    @rule(data=st.data())
    def redo(self, data: st.DataObject) -> None:
        name, branch = self.branch(data)
        if not branch.redo:
            with pytest.raises(NothingToUndo):
                self.repo.redo(worktree=name, lock=True)
            return
        before = (self.kept_of(branch.tree), branch.head)
        self.repo.redo(worktree=name, lock=True, force=True)
        self.absorb(branch.tree)
        branch.undo = [*branch.undo, before][-16:]
        tree, branch.head = branch.redo.pop()
        self.put(branch, tree)

    @precondition(lambda self: len(self.branches) > 1)
    @rule(data=st.data(), new=st.sampled_from(NAMES))
    def rename(self, data: st.DataObject, new: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.branches.keys() - {"main"})), "old")
        if new in self.branches:
            with pytest.raises(JvsError, match="already exists"):
                self.repo.worktrees.rename(old, new)
            return
        self.repo.worktrees.rename(old, new)
        self.branches[new] = self.branches.pop(old)

    @precondition(lambda self: len(self.branches) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.branches.keys() - {"main"})), "name")
        branch = self.branches.pop(name)
        last = self.repo.worktrees.remove(name, force=True).last_snapshot_id
        changed = self.kept_of(branch.tree) != (self.snapshots[branch.head] if branch.head else {})
        assert last is not None or not changed
        assert self.absorb(branch.tree) == last
        if last is not None:
            (pin,) = [pin.pin_id for pin in self.repo.pins.all() if pin.snapshot_id == last]
            self.pins[pin] = last

    @rule(name=st.sampled_from(NAMES))
    def create_empty(self, name: str) -> None:
        if name in self.branches:
            with pytest.raises(JvsError, match="already exists"):
                self.repo.worktrees.create(name, empty=True)
            return
        self.repo.worktrees.create(name, empty=True)
        self.branches[name] = Branch({}, None)

    @precondition(lambda self: not self.excluded)
    @rule()
    def exclude(self) -> None:
        """From now on one of the paths is left out of snapshots, and left alone by what is put back."""
        self.repo.config.set("exclude.patterns", f"/{LEFT_OUT}")
        self.repo = Repository.open(self.repo.root)
        self.excluded = True

    def needs(self, snapshot_id: str) -> bool:
        """Return whether a head, a ref, a pin or an undo goes back to a snapshot."""
        heads = {
            head
            for branch in self.branches.values()
            for head in (branch.head, *(head for _, head in (*branch.undo, *branch.redo)))
        }
        return snapshot_id in {*heads, *self.refs.values(), *self.pins.values()}

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        wanted = self.any_snapshot(data)
        if self.needs(wanted):
            with pytest.raises(GcPlanMismatch, match="is needed: "):
                self.repo.gc.plan(drop=[wanted])
            return
        try:
            plan = self.repo.gc.plan(drop=[wanted])
        except GcPlanMismatch as refused:  # by a pin that an in-place restore made, or its lineage
            if "pin " not in refused.message:
                raise
            return
        assert self.repo.gc.run(plan.plan_id).deleted == [wanted]
        del self.snapshots[wanted]
        self.dropped.add(wanted)
        with pytest.raises(SnapshotExpired):
            self.repo.restore(wanted, name="gone")

    @rule(data=st.data())
    def forget_undo(self, data: st.DataObject) -> None:
        name, branch = self.branch(data)
        if not (branch.undo or branch.redo):
            with pytest.raises(NothingToUndo):
                self.repo.forget_undo(name, lock=True)
            return
        assert self.repo.forget_undo(name, lock=True) == len(branch.undo) + len(branch.redo)
        branch.undo, branch.redo = [], []

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def name_or_forget(self, data: st.DataObject, name: str) -> None:
        if name in self.refs:
            assert self.repo.refs.delete(name).snapshot_id == self.refs.pop(name)
        else:
            self.refs[name] = self.any_snapshot(data)
            self.repo.refs.create(name, self.refs[name])

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def pin_or_unpin(self, data: st.DataObject) -> None:
        unpin = data.draw(st.booleans(), "unpin")
        if self.pins and unpin:
            pin_id = min(self.pins)
            self.repo.pins.delete(pin_id)
            del self.pins[pin_id]
        else:
            wanted = self.any_snapshot(data)
            self.pins[self.repo.pins.create(wanted).pin_id] = wanted

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), note=st.none() | st.sampled_from(NAMES), tags=st.sets(st.sampled_from(NAMES)))
    def annotate(self, data: st.DataObject, note: str | None, tags: set[str]) -> None:
        wanted = self.any_snapshot(data)
        before = self.repo.show(wanted).descriptor
        gone = tags.intersection(before.tags)
        if note in (None, before.note) and not tags:
            with pytest.raises(InputError):
                self.repo.annotate(wanted, note=note)
            return
        self.repo.annotate(wanted, note=note, add_tags=tags - gone, remove_tags=gone)
        after = self.repo.show(wanted).descriptor
        assert after.note == (before.note if note is None else note)
        assert set(after.tags) == tags.symmetric_difference(before.tags)
        assert after.original == before.original

    @rule()
    def collect(self) -> None:
        done = self.repo.gc.run(self.repo.gc.plan().plan_id)
        assert not done.failed
        needed = {*self.refs.values(), *self.pins.values()}
        for branch in self.branches.values():
            needed.update(
                head for head in (branch.head, *(head for _, head in (*branch.undo, *branch.redo))) if head
            )
        assert not needed & set(done.deleted)
        for snapshot_id in done.deleted:
            del self.snapshots[snapshot_id]

    @precondition(lambda self: any(self.snapshots.values()))
    @rule(data=st.data())
    def tamper(self, data: st.DataObject) -> None:
        wanted = data.draw(
            st.sampled_from(sorted(key for key, tree in self.snapshots.items() if tree)), "snapshot"
        )
        path = data.draw(st.sampled_from(sorted(self.snapshots[wanted])), "path")
        target = self.payload(wanted) / path
        content, times = target.read_bytes(), target.stat()
        target.write_bytes(content + b"!")
        os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
        try:
            (report,) = self.repo.verify(wanted).snapshots
            assert report.tamper_detected
            assert report.damaged_paths == [path]
            with pytest.raises(JvsError):
                self.repo.restore(wanted, name="tampered")
        finally:
            target.write_bytes(content)
            os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert self.repo.verify(wanted).ok  # and what was remembered of the damage goes

    @rule(data=st.data(), point=st.integers(0, 25))
    def crash(self, data: st.DataObject, point: int) -> None:
        name, branch = self.branch(data)
        progress = children.Steps(at=point, act=children.die)
        work = self.repo.snapshot
        outcome = children.run(lambda: work(worktree=name, lock=True, progress=progress))
        assert outcome in (children.KILLED, children.DONE)
        age(self.repo)
        mended = self.repo.doctor(repairs=REPAIRS, strict=True)
        assert [finding for finding in mended.findings if finding.severity != "info"] == []
        made = self.absorb(branch.tree)
        assert made or outcome == children.KILLED
        branch.head = made or branch.head
        with suppress(
            LockNotHeld
        ):  # the dead process's lease is this session's, and would keep rename and remove out
            self.repo.locks.release(name)

    @rule(data=st.data(), step=st.sampled_from(PUBLISHING), content=st.sampled_from(CONTENTS))
    def sleep_while_another_publishes(self, data: st.DataObject, step: str, content: bytes) -> None:
        name, branch = self.branch(data)
        who = replace(
            self.repo.settings, host="elsewhere", session="elsewhere", state_dir=self.folder / "theirs"
        )
        theirs = Repository(self.repo.root, settings=who)

        def publish() -> None:
            let_pass(600)
            (theirs.worktrees.path(name) / "theirs").write_bytes(content)
            branch.tree["theirs"] = content
            branch.head = theirs.snapshot(worktree=name, lock=True).snapshot_id

        work = self.repo.snapshot
        told = suspended(self.repo, lambda stop: work(worktree=name, lock=True, progress=stop), step, publish)
        assert isinstance(told, JvsError)
        assert told.exit_status == 4
        assert self.absorb(branch.tree) == branch.head

    @rule()
    def migrate(self) -> None:
        self.moves += 1
        target = self.folder / f"repo{self.moves}"
        subprocess.run(["cp", "-a", self.repo.root, target], check=True)
        for runtime in ("locks", "intents"):
            shutil.rmtree(target / ".jvs" / runtime)
        shutil.rmtree(self.repo.root)
        self.repo = Repository.open(target)
        self.repo.doctor(repairs=REPAIRS)

    @invariant()
    def everything_is_as_it_must_be(self) -> None:
        if not hasattr(self, "repo"):
            return
        assert {info.name: info.head_snapshot_id for info in self.repo.worktrees.all()} == {
            name: branch.head for name, branch in self.branches.items()
        }
        for name, branch in self.branches.items():
            assert files_below(self.repo.worktrees.path(name)) == branch.tree
        assert {ref.name: ref.snapshot_id for ref in self.repo.refs.all()} == self.refs


# One test, and a long one on a machine that is busy.
pytestmark = pytest.mark.timeout(900)
TestHistories = Histories.TestCase
TestHistories.settings = settings(PROOF, stateful_step_count=40 if FULL else 20)
