"""Thinning: only what nobody asked for, nothing that anybody needs, and after a crash to the end."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from jvs_core import Repository, Schedule, clock
from jvs_core.control.layout import Layout
from jvs_core.control.records import plans
from jvs_core.errors import GcPlanMismatch
from jvs_core.model import Kind, parse_tiers
from jvs_core.operations.gc import running
from jvs_core.operations.timeline.words import kept_by
from tests.support.passing import LetPass

HOUR, DAY = 3600.0, 86400.0


def configure(repo: Repository, *lines: str) -> None:
    (repo.root / ".jvs" / "config.toml").write_text("[timeline]\n" + "\n".join(lines) + "\n")


@pytest.fixture
def auto(repo: Repository, main: Path) -> Callable[..., str]:
    """Take automatic snapshots, each of another content of the file ``name``."""
    configure(repo, 'keep = ["1h:all", "rest:1w"]')

    def take(text: str, name: str = "notes") -> str:
        (main / name).write_text(text)
        made = repo.timeline.snapshot()
        assert made is not None
        return made.snapshot_id

    return take


def whole(repo: Repository) -> set[str]:
    return {item.descriptor.snapshot_id for item in repo.history(every=True) if not item.expired}


def test_only_automatic_snapshots_go(
    repo: Repository, auto: Callable[..., str], main: Path, let_pass: LetPass
) -> None:
    kinds: dict[Kind, str] = {}
    for number, kind in enumerate(get_args(Kind)):
        (main / "notes").write_text(str(number))
        kinds[kind] = repo.snapshot(kind=kind, lock=True).snapshot_id
    head = auto("head")
    let_pass(15 * DAY)
    result = repo.timeline.thin()
    assert result.deleted == [kinds["auto"]]
    assert whole(repo) == {head, *kinds.values()} - {kinds["auto"]}
    assert next(record.operation for record in repo.audit.log()) == "gc_run"
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy
    assert os.listdir(repo.root / ".jvs/gc/plans") == []


def test_an_index_that_calls_a_snapshot_automatic_decides_nothing(
    repo: Repository, auto: Callable[..., str], main: Path, let_pass: LetPass
) -> None:
    (main / "notes").write_text("asked for")
    asked = repo.snapshot("asked for", lock=True).snapshot_id
    old = auto("not asked for")
    head = auto("head")
    repo.find("notes")
    with (
        closing(sqlite3.connect(repo.settings.cache_dir / "changes" / f"{repo.repo_id}.sqlite")) as index,
        index,
    ):
        assert index.execute("UPDATE snapshots SET kind = 'auto'").rowcount == 3
    let_pass(15 * DAY)
    assert repo.timeline.thin().deleted == [old]
    assert whole(repo) == {asked, head}


def test_what_somebody_names_or_needs_stays(
    repo: Repository, auto: Callable[..., str], let_pass: LetPass
) -> None:
    ids = [auto(str(number)) for number in range(8)]
    repo.refs.create("mine", ids[1])
    repo.pins.create(ids[2], reason="x")
    repo.annotate(ids[3], note="the good one")
    repo.annotate(ids[4], add_tags=["baseline"])
    repo.worktrees.create("other", from_=ids[5])
    let_pass(15 * DAY)
    result = repo.timeline.thin(every=True)
    assert result.deleted == [ids[0], ids[6]]
    assert repo.timeline.thin().deleted == []


def test_a_snapshot_with_a_tag_of_its_maker_stays_and_those_of_cells_do_not(
    repo: Repository, auto: Callable[..., str], main: Path, let_pass: LetPass
) -> None:
    made = []
    for tags in (["auto", "cell-3"], ["mine"], ["auto", "mine"]):
        (main / "notes").write_text(str(tags))
        made.append(repo.snapshot(kind="auto", tags=tags, lock=True).snapshot_id)
    auto("head")
    let_pass(15 * DAY)
    assert repo.timeline.thin().deleted == [made[0]]


def test_what_gets_a_note_after_the_choice_stays(
    repo: Repository, auto: Callable[..., str], let_pass: LetPass, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [auto(str(number)) for number in range(3)]
    let_pass(15 * DAY)
    carry_out = running.run

    def annotated_first(*args: object) -> object:
        repo.annotate(ids[0], note="wait")
        return carry_out(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "run", annotated_first)
    with pytest.raises(GcPlanMismatch, match="a note or a tag"):
        repo.timeline.thin()
    assert len(whole(repo)) == 3
    assert os.listdir(repo.root / ".jvs/gc/plans") == []


def test_the_last_version_before_a_file_was_removed_stays_for_a_month(
    repo: Repository, auto: Callable[..., str], main: Path, let_pass: LetPass
) -> None:
    configure(repo, 'keep = ["1h:all"]')
    auto("x", "precious")
    auto("1")
    last = auto("2")
    (main / "precious").unlink()
    removed = repo.timeline.snapshot()
    assert removed is not None
    ids = [auto(str(number)) for number in range(3, 6)]
    let_pass(29 * DAY)
    repo.timeline.thin()
    assert whole(repo) == {last, ids[-1]}
    (row,) = repo.timeline.deleted()
    assert (row.file, row.source.snapshot_id) == ("precious", last)
    let_pass(2 * DAY)
    repo.timeline.thin()
    assert whole(repo) == {ids[-1]}


def test_one_snapshot_serves_all_that_was_lost_later(
    repo: Repository, auto: Callable[..., str], main: Path, let_pass: LetPass
) -> None:
    configure(repo, 'keep = ["1h:all"]')
    for name in ("a", "b", "c"):
        (main / name).write_text(name)
    first = auto("0")
    auto("1")
    for number, name in enumerate(("a", "b", "c"), 2):
        (main / name).unlink()
        auto(str(number))
    head = auto("end")
    let_pass(2 * DAY)
    repo.timeline.thin()
    left = whole(repo)
    assert len(left) == 2
    assert head in left
    assert {row.file for row in repo.timeline.deleted()} == {"a", "b", "c"}
    assert first is not None


def test_histories_that_part_are_thinned_each_by_itself(
    repo: Repository, auto: Callable[..., str], let_pass: LetPass
) -> None:
    ids = [auto("1"), auto("2")]
    repo.worktrees.create("other")
    own = []
    for text in ("3", "4", "5"):
        (repo.root / "worktrees" / "other" / "of its own").write_text(text)
        made = repo.timeline.snapshot("other")
        assert made is not None
        own.append(made.snapshot_id)
    ids.append(auto("6"))
    let_pass(15 * DAY)
    assert repo.timeline.thin().deleted == ids[:2]
    assert repo.timeline.thin("other").deleted == own[:2]
    assert whole(repo) == {ids[2], own[2]}
    assert repo.verify(every=True).ok


def test_an_emptied_file_is_lost_and_an_edited_one_is_not(
    repo: Repository, auto: Callable[..., str], main: Path, let_pass: LetPass
) -> None:
    configure(repo, 'keep = ["1h:all"]')
    auto("the work of a day")
    edited = auto("the work of two days")
    auto("")
    head = auto("starting again")
    let_pass(2 * DAY)
    repo.timeline.thin()
    assert whole(repo) == {edited, head}


def test_want_of_space_gives_up_the_oldest_and_says_so(
    repo: Repository, auto: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [auto(str(number) * 1000) for number in range(6)]
    full = os.statvfs_result((1, 1, 35_000, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    result = repo.timeline.thin()
    assert result.given_up == result.deleted == ids[:2]
    assert result.notes
    assert "the oldest 2 automatic snapshots are removed early" in result.notes[0]
    again = repo.timeline.thin()
    assert (again.deleted, again.notes) == ([], [])


def test_want_of_space_counts_kept_copies_and_spares_what_people_took(
    repo: Repository, auto: Callable[..., str], main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto("a" * 1000)
    copy = repo.timeline.keep_file("notes", "overwrite")
    assert copy is not None
    (main / "notes").write_text("b" * 1000)
    mine = repo.snapshot("mine", lock=True).snapshot_id
    head = auto("c" * 1000)
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result((1, 1, 10, 0, 0, 0, 0, 0, 0, 255)))
    result = repo.timeline.thin()
    assert len(result.given_up) == 1
    assert result.copies == [copy.copy_id]
    assert whole(repo) == {mine, head}
    assert repo.timeline.copies() == []


def test_a_collection_is_bounded_and_says_that_there_is_more(
    repo: Repository, auto: Callable[..., str], let_pass: LetPass
) -> None:
    for number in range(7):
        auto(str(number))
    let_pass(15 * DAY)
    sizes = []
    while True:
        result = repo.timeline.thin(most=3)
        sizes.append(len(result.deleted))
        if not result.more:
            break
    assert sizes == [3, 3]


def test_old_copies_go(repo: Repository, main: Path, let_pass: LetPass) -> None:
    (main / "a").write_text("x")
    repo.timeline.keep_file("a", "delete")
    let_pass(29 * DAY)
    assert repo.timeline.thin().copies == []
    let_pass(2 * DAY)
    result = repo.timeline.thin()
    assert len(result.copies) == 1
    assert repo.timeline.copies() == []
    assert next(record.operation for record in repo.audit.log()) == "kept_remove"


KILLED = """
import os, sys
from jvs_core import Repository
from jvs_core.progress import Progress

class Killer:
    def started(self, step, total=None): pass
    def advanced(self, count=1): pass
    def finished(self, step):
        if step == sys.argv[2]:
            os.kill(os.getpid(), 9)

Repository.open(sys.argv[1]).timeline.thin(progress=Killer())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", ["plan", "intent", "validate", "tombstone", "trash", "audit", "drop", "delete"]
)
def test_a_killed_thinning_is_completed_by_the_next(
    repo: Repository, auto: Callable[..., str], step: str
) -> None:
    configure(repo, 'keep = ["1w:1d"]')
    ids = [auto(str(number)) for number in range(4)]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(repo.root), step], check=False)
    assert killed.returncode == -9
    while repo.timeline.thin().more:
        pass
    assert whole(repo) == {ids[-1]}
    assert plans.PLANS.keys(Layout(repo.root)) == []
    assert repo.doctor(repairs=["clean_intents", "clean_tmp"], strict=True).healthy
    assert repo.verify(every=True).ok


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hours", "snapshots", "left"),
    [(8, 96, 60), pytest.param(24, 288, 156, marks=pytest.mark.further)],
)
def test_a_day_of_saves_every_minute_keeps_what_the_words_say(
    repo: Repository, main: Path, let_pass: LetPass, hours: int, snapshots: int, left: int
) -> None:
    schedule = Schedule()
    began = clock.now_ms()
    taken: list[str] = []
    for minute in range(hours * 60 + 1):
        now = minute * 60.0
        if minute < hours * 60:
            (main / "notes.ipynb").write_bytes(f"{minute:05d}".encode() * 2000)
            schedule.touched(now)
        due = schedule.next_at(now)
        if due is not None and due <= now + 60:
            let_pass(due - (clock.now_ms() - began) / 1000)
            made = repo.timeline.snapshot()
            assert made is not None
            taken.append(made.snapshot_id)
            schedule.taken(due, cost_s=0.1)
        if minute % 120 == 119:
            while repo.timeline.thin().more:
                pass
    let_pass(now - (clock.now_ms() - began) / 1000)
    repo.timeline.thin()
    there = whole(repo)
    assert abs(len(taken) - snapshots) <= 2
    assert there == kept_by(parse_tiers(repo.timeline.settings.keep), taken, clock.now_ms())
    assert abs(len(there) - left) <= 2
    payloads = {
        (found.st_dev, found.st_ino): found.st_size
        for path in (repo.root / ".jvs/snapshots").glob("*/payload/notes.ipynb")
        for found in [path.stat()]
    }
    assert sum(payloads.values()) == len(there) * 10_000
    assert repo.verify(every=True).ok
