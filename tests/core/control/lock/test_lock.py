from __future__ import annotations

import dataclasses
import itertools
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.control.lock import lease_files, lock, slots
from jvs_core.control.lock.lease import Lease, state_of
from jvs_core.errors import (
    ClockSkewExceeded,
    DescriptorCorrupt,
    FencingMismatch,
    LockConflict,
    LockExpired,
    LockNotHeld,
)
from jvs_core.settings import LeaseConfig, Settings
from tests.core.control.support import STRICT, WORKTREE_ID, contenders, make_layout, take

PROCESSES = 8


def at(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    """Set the wall clock."""
    monkeypatch.setattr(clock, "now_ms", lambda: ms)


def run_out(lease: Lease) -> Lease:
    """Return the lease as its holder sees it after its end."""
    return dataclasses.replace(lease, deadline_boot_ms=clock.boot_ms())


def test_a_lock_is_taken_renewed_and_given_back(real_layout: Layout, ada: Settings) -> None:
    lease = take(real_layout, ada, purpose="training")
    held = lock.current(real_layout, WORKTREE_ID)
    assert state_of(held) == "held"
    assert held is not None
    assert (held.holder_id, held.purpose, held.fencing_token) == ("ada@here", "training", 1)
    renewed = lock.renew(real_layout, lease)
    assert renewed.deadline_boot_ms >= lease.deadline_boot_ms
    lock.check(real_layout, renewed)
    lock.release(real_layout, renewed)
    assert state_of(lock.current(real_layout, WORKTREE_ID)) == "free"


@pytest.mark.parametrize("again", [True, False], ids=["by the holder", "by another"])
def test_a_held_lock_is_refused_and_its_holder_named(
    layout: Layout, ada: Settings, bob: Settings, again: bool
) -> None:
    lease = take(layout, ada, purpose="training")
    with pytest.raises(LockConflict, match=r"ada@here \(training\)") as refused:
        take(layout, ada if again else bob, own=lease if again else None)
    assert refused.value.facts["holder"] == lease.record.to_json()
    assert lease_files.tokens(layout, WORKTREE_ID) == [1]


def test_of_eight_processes_exactly_one_takes_a_free_lock(real_layout: Layout) -> None:
    assert_one_wins(real_layout, [real_layout.root] * PROCESSES)


def test_of_eight_processes_on_two_clients_exactly_one_takes_a_free_lock(
    two_clients: tuple[Path, Path],
) -> None:
    assert_one_wins(make_layout(two_clients[0]), [*two_clients] * (PROCESSES // 2))


def assert_one_wins(layout: Layout, roots: list[Path]) -> None:
    with contenders(roots) as rivals:
        for floor in range(3):
            for rival in rivals:
                rival.tell("once")
            answers = [rival.hear() for rival in rivals]
            won = [answer for answer in answers if isinstance(answer, int)]
            assert won == [floor + 1]
            assert answers.count("E_LOCK_CONFLICT") == PROCESSES - 1
            os.unlink(layout.locks(WORKTREE_ID) / str(won[0]))  # as if it had never been: all try again
            (layout.locks(WORKTREE_ID) / str(won[0])).touch()
            os.utime(layout.locks(WORKTREE_ID) / str(won[0]), (0, 0))


def test_holders_never_overlap_and_tokens_grow(real_layout: Layout) -> None:
    assert_turns([real_layout.root] * PROCESSES)


def test_holders_on_two_clients_never_overlap_and_tokens_grow(two_clients: tuple[Path, Path]) -> None:
    make_layout(two_clients[0])
    assert_turns([*two_clients] * (PROCESSES // 2))


def assert_turns(roots: list[Path]) -> None:
    times = 3
    with contenders(roots) as rivals:
        for rival in rivals:
            rival.tell(f"often {times}")
        turns = sorted(tuple(turn) for rival in rivals for turn in rival.hear())
    assert [token for token, _, _ in turns] == list(range(1, PROCESSES * times + 1))
    for (_, _, ended), (_, began, _) in itertools.pairwise(turns):
        assert ended < began


def test_a_holder_stopped_past_its_lease_is_fenced(real_layout: Layout, bob: Settings) -> None:
    assert_fenced(real_layout, real_layout.root, bob)


def test_a_holder_stopped_past_its_lease_is_fenced_by_another_client(
    two_clients: tuple[Path, Path], bob: Settings
) -> None:
    assert_fenced(make_layout(two_clients[0]), two_clients[1], bob)


def assert_fenced(layout: Layout, holders_root: Path, thief: Settings) -> None:
    with contenders([holders_root]) as [holder]:
        holder.tell("hold")
        assert holder.hear() == 1
        holder.process.send_signal(signal.SIGSTOP)
        deadline = clock.boot_ms() + 20_000
        held = lock.current(layout, WORKTREE_ID)
        assert held is not None
        while True:
            try:
                lease = take(layout, thief, config=STRICT)
                break
            except LockConflict:
                assert clock.boot_ms() < deadline
        assert clock.timestamp() >= held.lease_expires_at
        assert lease.token == 2
        holder.process.send_signal(signal.SIGCONT)
        holder.tell("try")
        assert holder.hear() == ["E_FENCING_MISMATCH"] * 3
    lock.check(layout, lease)
    after = lock.current(layout, WORKTREE_ID)
    assert after is not None
    assert (after.fencing_token, after.released_at) == (2, None)


def test_a_lease_that_ran_out_is_refused(layout: Layout, ada: Settings) -> None:
    stale = run_out(take(layout, ada))
    for call in (lock.check, lock.renew, lock.release):
        with pytest.raises(LockExpired):
            call(layout, stale)
    assert state_of(lock.current(layout, WORKTREE_ID)) == "held"


def test_a_lease_given_back_is_refused(layout: Layout, ada: Settings) -> None:
    lease = take(layout, ada)
    lock.release(layout, lease)
    for call in (lock.check, lock.renew, lock.release):
        with pytest.raises(LockNotHeld):
            call(layout, lease)


def test_a_wrong_secret_is_refused(layout: Layout, ada: Settings) -> None:
    lease = take(layout, ada)
    forged = dataclasses.replace(lease, secret="0" * 64)
    for call in (lock.check, lock.renew, lock.release):
        with pytest.raises(LockNotHeld):
            call(layout, forged)


def test_a_lease_whose_file_is_gone_is_refused(layout: Layout, ada: Settings) -> None:
    lease = take(layout, ada)
    (layout.locks(WORKTREE_ID) / "1").unlink()
    with pytest.raises(LockNotHeld):
        lock.check(layout, lease)


def test_a_lease_taken_over_is_refused_and_the_successor_named(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take(layout, ada)
    at(monkeypatch, clock.now_ms() + 70_000)
    take(layout, bob)
    for call in (lock.check, lock.renew, lock.release):
        with pytest.raises(FencingMismatch, match="bob@there"):
            call(layout, lease)


def test_a_lease_stolen_in_the_middle_of_its_renewal_is_refused(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take(layout, ada)
    later = clock.now_ms() + 70_000
    update = slots.update

    def steal_first(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, durable: bool) -> None:
        with monkeypatch.context() as moment:
            at(moment, later)
            take(layout, bob)
        update(path, change, durable=durable)

    monkeypatch.setattr(slots, "update", steal_first)
    with pytest.raises(FencingMismatch):
        lock.renew(layout, lease)


def test_an_expired_lock_is_taken_only_after_skew_and_grace(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = LeaseConfig(max_clock_skew_ms=2000, steal_grace_ms=1000)
    began = clock.now_ms()
    at(monkeypatch, began)
    first = take(layout, ada, config=config)
    at(monkeypatch, began + 60_000 + 3000)
    assert state_of(lock.current(layout, WORKTREE_ID)) == "expired"
    with pytest.raises(LockConflict):
        take(layout, bob, config=STRICT)
    at(monkeypatch, began + 60_000 + 3001)
    lease, replaced = lock.acquire(
        layout,
        bob,
        STRICT,
        worktree="main",
        worktree_id=WORKTREE_ID,
        lease_ms=1000,
        purpose="",
        floor=0,
    )
    assert replaced == first.record
    assert lease.token == 2


def test_a_holder_does_not_wait_for_its_own_expired_lease(layout: Layout, ada: Settings) -> None:
    mine = run_out(take(layout, ada))
    assert take(layout, ada, own=mine).token == 2


def test_an_own_expired_lease_gives_no_right_to_the_lock_of_its_successor(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = take(layout, ada)
    at(monkeypatch, clock.now_ms() + 70_000)
    theirs = take(layout, bob)
    with pytest.raises(LockConflict, match="bob@there"):
        take(layout, ada, own=run_out(mine))
    lock.check(layout, theirs)


def test_an_own_lease_that_was_renewed_since_gives_no_right_either(layout: Layout, ada: Settings) -> None:
    before = take(layout, ada)
    renewed = lock.renew(layout, before)
    with pytest.raises(LockConflict):
        take(layout, ada, own=dataclasses.replace(run_out(before), record=before.record.changed(purpose="x")))
    lock.check(layout, renewed)


def test_an_own_lease_that_has_not_run_out_is_not_replaced(layout: Layout, ada: Settings) -> None:
    mine = take(layout, ada)
    with pytest.raises(LockConflict):
        take(layout, ada, own=mine)


def test_one_that_was_stopped_between_creating_and_writing_has_no_lock(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = slots.create

    def overtaken(path: Path, value: dict[str, Any], *, mode: int | None) -> None:
        monkeypatch.setattr(slots, "create", create)
        path.touch()
        os.utime(path, (0, 0))
        take(layout, bob)
        path.unlink()
        create(path, value, mode=mode)

    monkeypatch.setattr(slots, "create", overtaken)
    with pytest.raises(LockConflict, match="somebody else just took the lock"):
        take(layout, ada)
    newest = lock.current(layout, WORKTREE_ID)
    assert newest is not None
    assert (newest.holder_id, newest.fencing_token) == ("bob@there", 2)


def test_a_lease_tidied_away_in_the_middle_of_a_look_was_taken_over(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take(layout, ada)
    read = lease_files.read

    def tidied(layout: Layout, worktree_id: str, token: int) -> object:
        monkeypatch.setattr(lease_files, "read", read)
        with monkeypatch.context() as moment:
            at(moment, clock.now_ms() + 70_000)
            take(layout, bob)
        lease_files.remove_superseded(layout, worktree_id)
        return read(layout, worktree_id, token)

    monkeypatch.setattr(lease_files, "read", tidied)
    with pytest.raises(FencingMismatch, match="bob@there"):
        lock.check(layout, lease)


def test_a_live_lease_is_not_tidied_away_and_what_is_young_among_them_neither(
    layout: Layout, ada: Settings
) -> None:
    lease = take(layout, ada)
    assert lease_files.remove_superseded(layout, WORKTREE_ID, kept=0) == []
    (layout.locks(WORKTREE_ID) / "young").touch()
    (layout.locks(WORKTREE_ID) / "old").touch()
    os.utime(layout.locks(WORKTREE_ID) / "old", (0, 0))
    assert lease_files.remove_strays(layout, WORKTREE_ID) == ["old"]
    lock.check(layout, lease)


def test_a_lock_renewed_in_the_future_is_not_stolen(
    layout: Layout, ada: Settings, bob: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_ms()
    at(monkeypatch, now + 2001)
    take(layout, ada)
    at(monkeypatch, now)
    with pytest.raises(ClockSkewExceeded):
        take(layout, bob)
    at(monkeypatch, now + 1)
    with pytest.raises(LockConflict):
        take(layout, bob)
    assert lease_files.tokens(layout, WORKTREE_ID) == [1]


def test_a_lease_of_another_boot_ends_by_the_wall_clock(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = dataclasses.replace(take(layout, ada), boot_id="before the reboot", deadline_boot_ms=0)
    assert not lease.has_run_out()
    at(monkeypatch, clock.parse(lease.record.lease_expires_at))
    assert lease.has_run_out()


def test_setting_the_wall_clock_back_does_not_lengthen_a_lease(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = run_out(take(layout, ada))
    at(monkeypatch, clock.now_ms() - 3_600_000)
    with pytest.raises(LockExpired):
        lock.check(layout, lease)


def test_an_empty_lock_file_blocks_while_its_creator_may_live_and_no_longer(
    real_layout: Layout, ada: Settings
) -> None:
    folder = real_layout.locks(WORKTREE_ID)
    folder.mkdir()
    (folder / "1").touch()
    with pytest.raises(LockConflict):
        take(real_layout, ada)
    with pytest.raises(DescriptorCorrupt):
        lock.current(real_layout, WORKTREE_ID)
    os.utime(folder / "1", (0, 0))
    assert take(real_layout, ada).token == 2


@pytest.mark.parametrize("content", [b"", b"torn"])
def test_a_lock_file_that_is_not_written_yet_is_waited_for_as_long_as_a_lease(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = layout.locks(WORKTREE_ID) / "1"
    path.parent.mkdir()
    path.write_bytes(content)
    created = path.stat().st_mtime_ns // 1_000_000
    at(monkeypatch, created - 2001)
    with pytest.raises(ClockSkewExceeded):
        take(layout, ada)
    at(monkeypatch, created + 30_000 + 2000 + 1000)
    with pytest.raises(LockConflict, match="else is taking its lock"):
        take(layout, ada)
    at(monkeypatch, created + 30_000 + 2000 + 1001)
    assert take(layout, ada).token == 2


def test_tokens_start_above_the_heads_after_a_migration(layout: Layout, ada: Settings) -> None:
    assert take(layout, ada, floor=41).token == 42


def test_tokens_grow_after_superseded_files_are_removed(layout: Layout, ada: Settings) -> None:
    for _ in range(4):
        lock.release(layout, take(layout, ada))
    assert lease_files.remove_superseded(layout, WORKTREE_ID) == [1, 2, 3]
    assert lease_files.tokens(layout, WORKTREE_ID) == [4]
    assert take(layout, ada).token == 5


def test_the_secret_stays_with_the_holder(layout: Layout, ada: Settings) -> None:
    lease = take(layout, ada)
    stored = (layout.locks(WORKTREE_ID) / "1").read_bytes()
    assert lease.secret.encode() not in stored
    shown = json.dumps(lease.record.to_json())
    assert lease.secret not in shown
    assert lease.record.secret_sha256 not in shown


@pytest.mark.parametrize("name", ["0", "01", "-1", "1.tmp", "x", "²", "٣"])
def test_other_files_in_the_folder_are_no_tokens(layout: Layout, ada: Settings, name: str) -> None:
    layout.locks(WORKTREE_ID).mkdir()
    (layout.locks(WORKTREE_ID) / name).touch()
    assert lease_files.tokens(layout, WORKTREE_ID) == []
    assert take(layout, ada).token == 1


@pytest.mark.parametrize("junk", [2**53, 2**53 - 1, 2**53 - 2, 2**52, 10**15])
def test_a_number_that_was_never_given_blocks_nobody(
    layout: Layout, ada: Settings, bob: Settings, junk: int
) -> None:
    lock.release(layout, take(layout, ada))
    (layout.locks(WORKTREE_ID) / str(junk)).touch()
    assert take(layout, bob, floor=5).token == 6
    assert lease_files.tokens(layout, WORKTREE_ID) == [1, 6]
    assert lease_files.strays(layout, WORKTREE_ID) == [str(junk)]
    assert lease_files.remove_superseded(layout, WORKTREE_ID) == [1]
    assert lease_files.remove_strays(layout, WORKTREE_ID) == []


def test_a_lease_far_above_all_others_counts_and_so_does_what_follows_it(
    layout: Layout, ada: Settings, bob: Settings
) -> None:
    old = take(layout, ada)
    lock.release(layout, old)
    far = take(layout, ada, floor=10**15)
    with pytest.raises(FencingMismatch):
        lock.check(layout, old)
    lock.release(layout, far)
    (layout.locks(WORKTREE_ID) / str(far.token + 1)).touch()
    assert lease_files.tokens(layout, WORKTREE_ID) == [1, far.token, far.token + 1]
    with pytest.raises(LockConflict, match="somebody else"):
        take(layout, bob)
    os.utime(layout.locks(WORKTREE_ID) / str(far.token + 1), (0, 0))
    assert take(layout, bob).token == far.token + 2


def test_a_copy_of_a_lease_under_a_number_far_above_is_none(
    layout: Layout, ada: Settings, bob: Settings
) -> None:
    lease = take(layout, ada)
    data = (layout.locks(WORKTREE_ID) / "1").read_bytes()
    (layout.locks(WORKTREE_ID) / str(10**15)).write_bytes(data)
    lock.check(layout, lock.renew(layout, lease))


def test_the_last_number_is_the_end(layout: Layout, ada: Settings) -> None:
    lock.release(layout, take(layout, ada, floor=lease_files.LAST_TOKEN - 1))
    with pytest.raises(DescriptorCorrupt, match="no number left"):
        take(layout, ada, floor=lease_files.LAST_TOKEN)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path.name)])
def test_what_is_no_lease_in_the_place_of_the_newest_is_replaced(
    layout: Layout, ada: Settings, make: Callable[[Path], object]
) -> None:
    lock.release(layout, take(layout, ada))
    path = layout.locks(WORKTREE_ID) / "2"
    make(path)
    os.utime(path, (0, 0), follow_symlinks=False)
    assert take(layout, ada).token == 3
    assert lease_files.remove_superseded(layout, WORKTREE_ID) == [1, 2]


def test_a_lock_file_that_is_a_symbolic_link_is_not_followed(
    layout: Layout, ada: Settings, tmp_path: Path
) -> None:
    lease = take(layout, ada)
    file = layout.locks(WORKTREE_ID) / "1"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DescriptorCorrupt, match="symbolic link"):
        lock.renew(layout, lease)


def test_lock_files_of_a_shared_repository_are_writable_by_its_group(tmp_path: Path, ada: Settings) -> None:
    (tmp_path / "shared").mkdir()
    layout = make_layout(tmp_path / "shared", shared=True)
    take(layout, ada)
    assert (layout.locks(WORKTREE_ID) / "1").stat().st_mode & 0o7777 == 0o660
    assert layout.locks(WORKTREE_ID).stat().st_mode & 0o7777 == 0o2770
