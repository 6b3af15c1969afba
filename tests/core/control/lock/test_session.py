"""What a session keeps outside the repository: its lease's secret, and its turn."""

from __future__ import annotations

import stat
import threading
from dataclasses import replace

import pytest

from jvs_core.control import identity
from jvs_core.control.layout import Layout
from jvs_core.control.lock.session import Session, session
from jvs_core.errors import LockConflict
from jvs_core.settings import Settings
from tests.core.control.support import WORKTREE_ID, take


@pytest.fixture
def mine(layout: Layout, ada: Settings) -> Session:
    return session(ada, identity.repo_id(layout), WORKTREE_ID)


def test_a_lease_is_kept_for_the_next_command_for_its_owner_only(
    layout: Layout, ada: Settings, mine: Session
) -> None:
    assert mine.load() is None
    lease = take(layout, ada)
    mine.save(lease)
    assert mine.load() == lease
    assert stat.S_IMODE(mine.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(mine.folder.stat().st_mode) == 0o700
    assert layout.root not in mine.path.parents
    mine.save(lease)
    assert stat.S_IMODE(mine.path.stat().st_mode) == 0o600


def test_sessions_hosts_worktrees_and_repositories_are_apart(layout: Layout, ada: Settings) -> None:
    found = [
        session(who, repo, worktree).path
        for who in (ada, replace(ada, session="two"), replace(ada, host="there"))
        for repo in ("r1", "r2")
        for worktree in ("w1", "w2")
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"record": {}, "secret": "x"}', "\udcff"])
def test_a_damaged_secret_proves_nothing(layout: Layout, ada: Settings, mine: Session, content: str) -> None:
    mine.save(take(layout, ada))
    mine.path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert mine.load() is None


def test_only_the_lease_meant_is_forgotten(layout: Layout, ada: Settings, mine: Session) -> None:
    lease = take(layout, ada)
    other = lease.__class__(lease.record.changed(lock_id="00000000-0000-4000-8000-000000000007"), "s", 0, "b")
    mine.save(lease)
    mine.forget(other)
    assert mine.load() == lease
    mine.forget(lease)
    assert mine.load() is None
    mine.forget()


def test_turns_are_taken_one_after_another(mine: Session) -> None:
    order: list[str] = []
    first_in, let_go = threading.Event(), threading.Event()

    def first() -> None:
        with mine.turn(wait_s=5):
            first_in.set()
            let_go.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    first_in.wait(10)
    with pytest.raises(LockConflict, match="another operation of this session"), mine.turn(wait_s=0):
        order.append("too early")
    let_go.set()
    with mine.turn(wait_s=30):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
