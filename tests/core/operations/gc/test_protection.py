"""What gc must not touch: it fails closed at a circle, at a claim that nothing answers, at whatever came meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository, clock
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import pins
from jvs_core.errors import FencingMismatch, GcPlanMismatch, LineageBroken, WorktreeNotFound
from jvs_core.model import Descriptor
from jvs_core.operations.gc import aftermath, protection
from jvs_core.progress import Silent

A, B, C, D = (f"170000000000{number}-0000000{number}" for number in range(4))


class At(Silent):
    """Does something once, when a step begins."""

    def __init__(self, step: str, act: Callable[[], object]) -> None:
        self.step, self.act, self.done = step, act, False

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step and not self.done:
            self.done = True
            self.act()


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def take(repo: Repository, text: str, worktree: str = "main") -> str:
    (repo.worktrees.path(worktree) / "file").write_text(text)
    return repo.snapshot(text, worktree=worktree, lock=True).snapshot_id


def abandoned(repo: Repository) -> list[str]:
    """Return two snapshots, parent first, of a worktree that is gone."""
    repo.worktrees.create("exp", from_="HEAD")
    made = [take(repo, text, "exp") for text in ("x", "y")]
    repo.worktrees.remove("exp")
    return made


def line(repo: Repository, parents: dict[str, str | None]) -> dict[str, Descriptor]:
    """Return descriptors with these parents, as no JVS would write them all."""
    like = catalog.read(Layout(repo.root), take(repo, "like"))
    return {key: like.changed(snapshot_id=key, parent_snapshot_id=parent) for key, parent in parents.items()}


@pytest.mark.parametrize(
    "parents", [{A: A}, {A: B, B: A}, {A: None, B: D, C: B, D: C}], ids=["of one", "of two", "of three"]
)
def test_a_lineage_that_runs_in_a_circle_has_no_depth_and_an_end(
    repo: Repository, parents: dict[str, str | None]
) -> None:
    known = line(repo, parents)
    with pytest.raises(LineageBroken, match="loop"):
        protection.by_depth(known)
    circle = {key for key, parent in parents.items() if parent}
    assert protection.ancestors_of(circle, known) == circle
    if A in circle:
        with pytest.raises(LineageBroken, match="loop"):
            _lineage(known, A)


def _lineage(known: dict[str, Descriptor], head: str) -> list[Descriptor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "peek", lambda _, key: known[key])
        return list(catalog.lineage(Layout(Path("/nowhere")), head))


def test_parents_are_less_deep_than_their_children(repo: Repository) -> None:
    known = line(repo, {C: B, D: "1600000000000-00000000", B: A, A: None})
    assert protection.by_depth(known) == {A: 0, B: 1, C: 2, D: 0}


def test_a_parent_that_is_missing_stops_gc_and_ends_the_line_of_what_goes(repo: Repository) -> None:
    known = line(repo, {C: B, B: A})
    with pytest.raises(LineageBroken, match=f"the parent {A} of {B} is missing"):
        protection.ancestors_of([C], known)
    assert protection.ancestors_of([C], known, strict=False) == {B}


def test_a_gc_that_meets_a_circle_removes_nothing(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = take(repo, "a")
    gone = abandoned(repo)
    plan = repo.gc.plan()
    read = catalog.read

    def turned(layout: Layout, snapshot_id: str) -> Descriptor:
        found = read(layout, snapshot_id)
        return found.changed(parent_snapshot_id=gone[1]) if snapshot_id == gone[0] else found

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "read", turned)
        with pytest.raises(LineageBroken, match="loop"):
            repo.gc.run(plan.plan_id)
    assert {item.descriptor.snapshot_id for item in repo.history(every=True)} == {kept, *gone}
    assert not list((repo.root / ".jvs/gc/tombstones").iterdir())
    assert not list((repo.root / ".jvs/gc/trash").iterdir())


@pytest.mark.parametrize("claim", ["head of main", "ref wanted", "pin "])
def test_a_claim_to_a_snapshot_that_is_missing_stops_gc(repo: Repository, claim: str) -> None:
    one, two = take(repo, "a"), take(repo, "b")
    layout = Layout(repo.root)
    if claim.startswith("ref"):
        repo.refs.create("wanted", one)
    elif claim.startswith("pin"):
        repo.pins.create(one)
    missing = two if claim.startswith("head") else one
    known = {
        key: found.changed(parent_snapshot_id=None)
        for key, found in protection.descriptors(layout).items()
        if key != missing
    }
    with pytest.raises(LineageBroken, match=f"{claim}.* needs snapshot {missing}"):
        protection.read(layout, known)


def test_a_pin_that_is_over_claims_nothing_and_one_with_lineage_claims_the_line(repo: Repository) -> None:
    one, two, three = (take(repo, text) for text in "abc")
    layout = Layout(repo.root)
    known = protection.descriptors(layout)
    with critical.exclusive(layout.repository_lock):
        pins.create(layout, one, reason="", by="who", expires_at="2020-01-01T00:00:00.000Z", lineage=True)
    assert protection.read(layout, known).direct.keys() == {three}
    with critical.exclusive(layout.repository_lock):
        pins.create(layout, two, reason="", by="who", expires_at=None, lineage=True)
    found = protection.read(layout, known)
    assert found.direct.keys() == {one, two, three}
    assert found.direct[one] == ["lineage of a pin"]
    assert found.lineage == {}


def test_a_snapshot_that_is_published_while_gc_plans_keeps_its_line(repo: Repository) -> None:
    take(repo, "a")
    gone = abandoned(repo)
    made: list[str] = []
    other = Repository.open(repo.root)

    def publish() -> None:
        other.worktrees.create("again", from_=gone[1])
        made.append(take(other, "z", "again"))

    plan = repo.gc.plan(progress=At("protect", publish))
    assert plan.candidates == []
    assert {*gone, *made} <= {kept.snapshot_id for kept in plan.kept}


def test_a_snapshot_that_is_published_while_gc_runs_keeps_its_line(repo: Repository) -> None:
    take(repo, "a")
    gone = abandoned(repo)
    plan = repo.gc.plan()
    other = Repository.open(repo.root)

    def publish() -> None:
        other.worktrees.create("again", from_=gone[1])
        take(other, "z", "again")

    with pytest.raises(GcPlanMismatch, match="is needed now"):
        repo.gc.run(plan.plan_id, progress=At("intent", publish))
    assert set(gone) <= {item.descriptor.snapshot_id for item in repo.history(every=True)}
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy


def test_what_an_undo_needs_is_kept_as_long_as_it_was_promised(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = take(repo, "a"), take(repo, "b")
    repo.restore_inplace(one, reason="back", lock=True)
    layout = Layout(repo.root)
    known = protection.descriptors(layout)
    assert protection.read(layout, known).direct[two][0] == "undo of main"
    later = clock.now_ms() + pins.UNDO_MS + 60_000
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert two not in protection.read(layout, known).direct


@pytest.mark.parametrize("wrong", ["identity", "checksum", "log"])
def test_a_tombstone_gives_back_only_the_descriptor_that_was_logged(repo: Repository, wrong: str) -> None:
    from jvs_core.control.audit import ledger as ledgers
    from jvs_core.control.records import tombstones

    one = take(repo, "a")
    take(repo, "b")
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    layout = Layout(repo.root)
    ledger = ledgers.read(layout)
    tombstone = tombstones.TOMBSTONES.find(layout, one)
    assert tombstone is not None
    assert aftermath.logged_descriptor(tombstone, ledger) is not None
    kept = Descriptor.model_validate(tombstone.descriptor)
    if wrong == "identity":
        kept = kept.changed(snapshot_id=A)
        kept = kept.changed(descriptor_checksum=catalog.checksum(kept).model_dump())
    elif wrong == "checksum":
        kept = kept.changed(note="forged")
    else:
        kept = kept.changed(note="forged")
        kept = kept.changed(descriptor_checksum=catalog.checksum(kept).model_dump())
    forged = tombstone.changed(descriptor=kept.to_json())
    assert aftermath.logged_descriptor(forged, ledger) is None


def test_where_main_is_not_registered_nothing_is_protected_so_gc_stops(repo: Repository) -> None:
    take(repo, "a")
    repo.worktrees.create("other", from_="HEAD")
    layout = Layout(repo.root)
    known = protection.descriptors(layout)
    (repo.root / ".jvs/worktrees/main").rename(repo.root / "aside")
    with pytest.raises(WorktreeNotFound, match="main is not registered"):
        protection.read(layout, known)


@pytest.mark.parametrize("step", ["tombstone", "trash", "audit"])
def test_a_run_that_sleeps_in_its_critical_section_goes_no_further(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    take(repo, "a")
    gone = abandoned(repo)
    plan = repo.gc.plan()
    boot_ms = clock.boot_ms

    def sleep() -> None:
        monkeypatch.setattr(clock, "boot_ms", lambda: boot_ms() + critical.TRUSTED_MS)

    with pytest.raises(FencingMismatch):
        repo.gc.run(plan.plan_id, progress=At(step, sleep))
    monkeypatch.undo()
    control = repo.root / ".jvs"
    assert len(list((control / "gc/tombstones").iterdir())) == (0 if step == "tombstone" else 2)
    assert len(list((control / "gc/trash").iterdir())) == (2 if step == "audit" else 0)
    assert set(repo.gc.run(plan.plan_id).deleted) == set(gone)
    assert repo.verify(every=True).ok
