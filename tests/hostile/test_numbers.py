"""Numbers that JVS never gives: the largest there are, negative ones, in records whose checksums are right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.lock import slots
from jvs_core.errors import DescriptorCorrupt
from tests.crash import children
from tests.hostile.mutations import as_slot
from tests.hostile.test_foreign_records import change

LARGEST = 2**53 - 1


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    for text in "ab":
        (repo.root / "main/f").write_text(text)
        repo.snapshot(text, lock=True)
    return repo


def rewrite(path: Path, number: int = 1000, **fields: Any) -> None:
    path.write_bytes(as_slot(number, {**slots.read(path), **fields}))


@pytest.mark.parametrize("number", [LARGEST, LARGEST - 1])
def test_a_head_that_none_can_follow_is_damage_and_the_log_s_comes_back(
    repo: Repository, number: int
) -> None:
    heads = repo.root / ".jvs/worktrees/main/heads"
    newest = max(heads.iterdir(), key=lambda path: int(path.name))
    (heads / str(number)).write_bytes(newest.read_bytes())
    change(heads / str(number), number=number, undo=[])
    with pytest.raises(DescriptorCorrupt, match="can follow"):
        repo.snapshot("x", lock=True)
    assert len(os.listdir(repo.root / ".jvs/snapshots")) == 2
    assert os.listdir(repo.root / ".jvs/intents") == []
    assert not repo.verify(every=True).ok
    assert repo.doctor(repairs=["clean_intents", "advance_head"]).healthy
    assert repo.verify(every=True).ok
    (repo.root / "main/f").write_text("c")
    repo.snapshot("y", lock=True)
    assert repo.status().clean


def test_a_killed_snapshot_is_completed_though_a_head_was_planted_since(repo: Repository) -> None:
    killed = children.Steps(at="before head", act=children.die)
    again = Repository.open(repo.root)
    assert children.run(lambda: again.snapshot("x", lock=True, progress=killed)) == children.KILLED
    heads = repo.root / ".jvs/worktrees/main/heads"
    newest = max(heads.iterdir(), key=lambda path: int(path.name))
    (heads / str(LARGEST)).write_bytes(newest.read_bytes())
    change(heads / str(LARGEST), number=LARGEST)
    assert repo.doctor(repairs=["clean_intents", "advance_head", "clean_locks"]).healthy
    assert repo.verify(every=True).ok
    assert "x" in [item.descriptor.note for item in repo.history(every=True)]
    repo.snapshot("y", lock=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": -1},
        {"seq": LARGEST},
        {"seq": True},
        {"size": -1},
        {"origin": "nobody"},
        {"head_hash": "x"},
        {"number": LARGEST},
        {"number": 2**70},
    ],
    ids=str,
)
def test_an_audit_head_that_no_record_can_follow_is_damage_and_is_mended(
    repo: Repository, fields: dict[str, Any]
) -> None:
    rewrite(repo.root / ".jvs/audit/head", **fields)
    report = repo.verify(every=True)
    assert "head" in (report.audit.error or "")
    assert [finding.repair for finding in repo.doctor().findings] == ["audit_repair"]
    assert repo.doctor(repairs=["audit_repair"]).healthy
    repo.refs.create("name", "HEAD")
    assert repo.verify(every=True).ok


@pytest.mark.parametrize(
    "fields", [{"lease_duration_ms": LARGEST}, {"steal_grace_ms": 2**70}, {"number": LARGEST}], ids=str
)
def test_a_lease_of_centuries_is_damage_and_is_taken_over(repo: Repository, fields: dict[str, Any]) -> None:
    held = repo.locks.acquire("main")
    lease = repo.root / f".jvs/locks/{held.worktree_id}/{held.fencing_token}"
    rewrite(lease, **fields)
    with pytest.raises(DescriptorCorrupt):
        repo.locks.renew()
    os.utime(lease, (0, 0))
    assert repo.locks.acquire("main").fencing_token == held.fencing_token + 1


@pytest.mark.parametrize(("token", "counts"), [(LARGEST - 1, False), (LARGEST - 2**32, False), (2**40, True)])
def test_a_planted_lease_ends_no_count(repo: Repository, token: int, counts: bool) -> None:
    (folder,) = (path for path in (repo.root / ".jvs/locks").iterdir() if path.is_dir())
    newest = max(folder.iterdir(), key=lambda path: int(path.name))
    planted = folder / str(token)
    planted.write_bytes(as_slot(1000, {**slots.read(newest), "fencing_token": token}))
    with repo.hold() as lease:
        assert (lease.token > token) == counts
    assert repo.snapshot("x", lock=True).fencing_token > lease.token
    if not counts:
        os.utime(planted, (0, 0))
        assert {finding.code for finding in repo.doctor().findings} == {"W_LOCK_STRAY"}
    assert repo.doctor(repairs=["clean_locks"], strict=True).healthy


@pytest.mark.parametrize("token", [LARGEST, LARGEST - 1, LARGEST - 2**32])
def test_a_token_in_a_head_that_none_can_follow_is_damage_and_is_mended(repo: Repository, token: int) -> None:
    heads = repo.root / ".jvs/worktrees/main/heads"
    newest = max(heads.iterdir(), key=lambda path: int(path.name))
    following = newest.with_name(str(int(newest.name) + 1))
    following.write_bytes(newest.read_bytes())
    change(following, number=int(following.name), fencing_token=token)
    with pytest.raises(DescriptorCorrupt):
        repo.snapshot("x", lock=True)
    assert not repo.doctor().healthy
    assert repo.doctor(repairs=["advance_head"]).healthy
    assert repo.snapshot("y", lock=True).fencing_token < token
