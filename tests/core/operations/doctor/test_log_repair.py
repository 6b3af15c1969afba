"""A damaged log that is set aside loses nothing of what can still be read of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.audit import chain, ledger
from jvs_core.control.layout import Layout
from tests.crash import children


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "file").write_text("one")
    repo.snapshot("one", lock=True)
    for name in ("first", "torn", "last"):
        repo.refs.create(name, "HEAD")
    return repo


def log_of(repo: Repository) -> Path:
    return repo.root / ".jvs" / "audit" / "audit.jsonl"


def tear(repo: Repository) -> list[bytes]:
    """Tear the record of the ref ``torn``; return the lines of the log before that."""
    lines = log_of(repo).read_bytes().splitlines(keepends=True)
    log_of(repo).write_bytes(b"".join([*lines[:-2], lines[-2][:60] + b"\n", lines[-1]]))
    return lines


def test_a_record_behind_a_torn_line_is_in_the_log_that_follows(repo: Repository) -> None:
    lines = tear(repo)
    assert ledger.read(Layout(repo.root)).refs.keys() == {"first", "last"}
    report = repo.doctor(repairs=["audit_repair"])
    assert report.healthy
    assert "audit_repair: ref torn as it is" in report.repaired
    assert ledger.read(Layout(repo.root)).refs.keys() == {"first", "torn", "last"}
    assert chain.check(Layout(repo.root)).ok
    aside = next(log_of(repo).parent.glob("damaged-*"))
    assert (aside / "audit.jsonl").read_bytes().splitlines(keepends=True)[-1] == lines[-1]


def test_a_ref_behind_a_torn_line_that_is_lost_as_well_is_missed(repo: Repository) -> None:
    tear(repo)
    (repo.root / ".jvs/refs/last.json").unlink()
    repo.doctor(repairs=["audit_repair"])
    assert "E_REF_BROKEN" in {found.code for found in repo.doctor().findings}


def test_a_log_that_a_killed_repair_set_aside_is_read_by_the_next(repo: Repository) -> None:
    tear(repo)
    (repo.root / ".jvs/refs/last.json").unlink()
    again = Repository.open(repo.root)

    def killed() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("jvs_core.operations.context.Context.audit", lambda *_a, **_k: children.die())
            again.doctor(repairs=["audit_repair"])

    assert children.run(killed) == children.KILLED
    assert not log_of(repo).exists()
    repo.doctor(repairs=["audit_repair"])
    assert ledger.read(Layout(repo.root)).refs.keys() == {"first", "torn", "last"}
    assert chain.check(Layout(repo.root)).ok


def test_a_log_that_was_cut_keeps_the_worktree_where_it_stands(repo: Repository) -> None:
    (repo.root / "main" / "file").write_text("two")
    two = repo.snapshot("two", lock=True).snapshot_id
    lines = log_of(repo).read_bytes().splitlines(keepends=True)
    log_of(repo).write_bytes(b"".join(lines[:-1]))
    report = repo.doctor(repairs=["audit_repair"])
    assert report.healthy
    assert f"audit_repair: snapshot {two} as it is" in report.repaired
    assert repo.status().head_snapshot_id == two
    heads = ledger.read(Layout(repo.root)).heads
    assert [head["snapshot_id"] for head in heads.values()] == [two]
    assert repo.verify(every=True).ok


def test_a_sound_log_is_left_alone(repo: Repository) -> None:
    before = log_of(repo).read_bytes()
    assert repo.doctor(repairs=["audit_repair"]).repaired == []
    assert log_of(repo).read_bytes() == before
