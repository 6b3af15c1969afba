"""A writer that sleeps past its lease, and past the file lock of its critical section, moves no head back or aside.

The sleeping one is a thread that stops at a named step; that its file lock was revoked meanwhile, as JuiceFS does, is
brought about by another file in its place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.lock import critical
from jvs_core.errors import FencingMismatch, JvsError
from jvs_core.settings import Settings
from tests.support.passing import LetPass
from tests.support.suspension import PUBLISHING, silence, suspended

LEASE = """
[lease]
duration_ms = 1000
renew_interval_ms = 400
max_clock_skew_ms = 0
steal_grace_ms = 0
"""


def settings(place: Path, host: str) -> Settings:
    return Settings(
        user="u",
        host=host,
        session=host,
        engine="copy",
        state_dir=place / f"state-{host}",
        cache_dir=place / f"cache-{host}",
    )


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Repository, Repository]:
    """Return one repository as two hosts see it, with a snapshot."""
    repo = Repository.init(tmp_path / "repo", settings=settings(tmp_path, "a"))
    (repo.root / ".jvs/config.toml").write_text(LEASE)
    (repo.root / "main/f").write_text("0")
    ours, theirs = (Repository(repo.root, settings=settings(tmp_path, host)) for host in ("a", "b"))
    ours.snapshot("first", lock=True)
    return ours, theirs


@pytest.mark.parametrize("step", PUBLISHING)
def test_a_snapshot_that_slept_is_fenced_and_leaves_nothing(
    pair: tuple[Repository, Repository],
    step: str,
    let_pass: LetPass,
) -> None:
    ours, theirs = pair
    made: list[str] = []

    def other() -> None:
        let_pass(1.2)  # past the lease
        (theirs.root / "main/f").write_text("B")
        made.append(theirs.snapshot("B", lock=True, wait_s=10).snapshot_id)

    (ours.root / "main/f").write_text("A")
    told = suspended(ours, lambda stop: ours.snapshot("A", lock=True, progress=stop), step, other)
    assert isinstance(told, JvsError)
    assert told.exit_status == 4
    assert theirs.worktrees.get("main").head_snapshot_id == made[0]
    assert [item.descriptor.note for item in theirs.history()] == ["B", "first"]
    assert theirs.verify(every=True).ok
    assert [found for found in theirs.doctor().findings if found.severity == "error"] == []
    assert theirs.gc.plan().candidates == []


def test_a_record_that_comes_late_does_not_bring_an_older_head_into_the_log(
    pair: tuple[Repository, Repository],
    let_pass: LetPass,
) -> None:
    ours, theirs = pair
    (ours.root / "main/f").write_text("A")

    def other() -> None:
        let_pass(1.2)  # past the lease
        (theirs.root / "main/f").write_text("B")
        theirs.snapshot("B", lock=True, wait_s=10)

    suspended(ours, lambda stop: ours.snapshot("A", lock=True, progress=stop), "audit", other)
    assert [item.descriptor.note for item in theirs.history()] == ["B", "A", "first"]
    assert theirs.verify(every=True).ok
    assert theirs.gc.plan().candidates == []


@pytest.mark.parametrize("step", ["catalog", "head"])
def test_a_snapshot_that_another_completed_meanwhile_stays(
    pair: tuple[Repository, Repository], step: str, let_pass: LetPass
) -> None:
    ours, theirs = pair
    (ours.root / "main/f").write_text("A")

    def other() -> None:
        let_pass(1.2)  # past the lease
        silence(ours)
        assert theirs.doctor(repairs=["advance_head"]).repaired
        (theirs.root / "main/f").write_text("B")
        theirs.snapshot("B", lock=True, wait_s=10)

    told = suspended(ours, lambda stop: ours.snapshot("A", lock=True, progress=stop), step, other)
    assert isinstance(told, FencingMismatch), told
    assert [item.descriptor.note for item in theirs.history()] == ["B", "A", "first"]
    assert theirs.verify(every=True).ok
    assert theirs.doctor(strict=True).healthy


@pytest.mark.parametrize("step", ["scan", "converge", "head"])
def test_an_in_place_restore_that_slept_moves_no_head(
    pair: tuple[Repository, Repository],
    step: str,
    let_pass: LetPass,
) -> None:
    ours, theirs = pair
    first = ours.history()[0].descriptor.snapshot_id
    (ours.root / "main/f").write_text("1")
    ours.snapshot("second", lock=True)
    made: list[str] = []

    def other() -> None:
        let_pass(1.2)  # past the lease
        (theirs.root / "main/g").write_text("B")
        made.append(theirs.snapshot("B", lock=True, wait_s=10).snapshot_id)

    told = suspended(
        ours,
        lambda stop: ours.restore_inplace(first, reason="x", lock=True, progress=stop),
        step,
        other,
    )
    assert isinstance(told, JvsError)
    assert theirs.worktrees.get("main").head_snapshot_id == made[0]
    # Who comes next completes the restore of the same user; what was edited meanwhile is in a snapshot first.
    kept = [theirs.root / "main", *(theirs.root / ".jvs/snapshots").glob("*/payload")]
    assert any((folder / "g").is_file() and (folder / "g").read_text() == "B" for folder in kept)


def test_a_critical_section_that_lasts_too_long_ends(
    pair: tuple[Repository, Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    monkeypatch.setattr(critical, "TRUSTED_MS", 0)
    for act in (
        lambda: ours.refs.create("name", "HEAD"),
        lambda: ours.pins.create("HEAD"),
        lambda: ours.annotate("HEAD", note="x"),
        lambda: ours.worktrees.create("w"),
        lambda: ours.snapshot("x", lock=True),
    ):
        with pytest.raises(FencingMismatch, match="silent for so long"):
            act()
    monkeypatch.undo()
    assert ours.refs.all() == []
    assert len(ours.history()) == 1
    assert ours.verify(every=True).ok
