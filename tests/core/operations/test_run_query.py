"""Choosing among runs, naming them, and removing their records."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from jvs_core import InputError, LockConflict, Repository, Run
from jvs_core.control.layout import Layout
from jvs_core.control.records import runs as records
from jvs_core.errors import AlreadyExists, NameInvalid, RunNotFound
from jvs_core.operations import run_query

DIGEST = "0" * 64


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def ran(repo: Repository, parameters: dict[str, Any], metrics: dict[str, Any], outcome: Any = "ok") -> Run:
    with repo.hold() as lease:
        begun = repo.runs.start(
            lease,
            command=["python", "train.py"],
            parameters=parameters,
            before_snapshot_id=repo.snapshot("before").snapshot_id,
            environment_digest=DIGEST,
        )
        return repo.runs.finish(
            begun.run_id,
            outcome,
            error=None,
            after_snapshot_id=None,
            duration_s=1.5,
            metrics=metrics,
            exit_status=0,
            outputs=[f"{number}.txt" for number in range(1_200)],
        )


@pytest.fixture
def five(repo: Repository) -> list[Run]:
    return [
        ran(repo, {"alpha": 0.1, "kind": "tree"}, {"score": 0.5}),
        ran(repo, {"alpha": 0.2, "kind": "forest"}, {"score": 0.9, "alpha": 7}),
        ran(repo, {"alpha": 10, "kind": "tree"}, {"score": 0.7}),
        ran(repo, {"alpha": {"$jvs": "float", "value": "nan"}}, {"score": "nan"}),
        ran(repo, {}, {}, "failed"),
    ]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (["alpha>0.1"], [2, 1]),
        (["parameters.alpha>0.1"], [2, 1]),
        (["alpha >= 0.10"], [2, 1, 0]),
        (["metrics.alpha=7"], [1]),
        (["kind=tree"], [2, 0]),
        (["kind != 'tree'"], [1]),
        (["kind~FOR"], [1]),
        (["score<0.8", "kind=tree"], [2, 0]),
        (["outcome=failed"], [4]),
        (["subject~train"], [4, 3, 2, 1, 0]),
        (["nothing=1"], []),
        (["exit_status==0", "duration_s<2"], [4, 3, 2, 1, 0]),
    ],
)
def test_conditions_choose_by_field_metric_and_parameter(
    repo: Repository, five: list[Run], where: list[str], expected: list[int]
) -> None:
    assert [five.index(run) for run in repo.runs.find(where=where)] == expected


@pytest.mark.parametrize("wrong", ["alpha", "alpha>", ">3", "", "a b>3"])
def test_what_is_no_condition_is_refused(repo: Repository, wrong: str) -> None:
    with pytest.raises(InputError, match="not a condition"):
        repo.runs.find(where=[wrong])


def test_runs_are_sorted_with_what_lacks_the_name_last(repo: Repository, five: list[Run]) -> None:
    assert [five.index(run) for run in repo.runs.find(sort="score")] == [0, 2, 1, 3, 4]
    assert [five.index(run) for run in repo.runs.find(sort="-score")][-3:] == [2, 0, 4]
    assert [five.index(run) for run in repo.runs.find(sort="-started_at", limit=1)] == [4]
    assert [five.index(run) for run in repo.runs.find(text="FOREST")] == [1]
    with pytest.raises(InputError):
        repo.runs.find(sort="-")


def test_a_table_has_a_column_for_every_parameter_and_metric(repo: Repository, five: list[Run]) -> None:
    table = repo.runs.rows(sort="score")
    assert table.columns == (
        "run_id", "name", "outcome", "started_at", "duration_s", "subject",
        "parameters.alpha", "kind", "score", "metrics.alpha",
    )  # fmt: skip
    assert table.to_rows()[0]["parameters.alpha"] == 0.1
    assert table.to_rows()[1]["metrics.alpha"] is None
    assert math.isnan(repo.runs.rows(["parameters.alpha"], where=["score=nan"]).rows[0][0])
    chosen = repo.runs.rows(["kind", "score"], where=["kind=tree"], sort="-score")
    assert chosen.to_csv() == "kind,score\ntree,0.7\ntree,0.5\n"
    frame = pytest.importorskip("pandas") and repo.runs.table(["kind", "score"], where=["score>0"])
    assert list(frame.columns) == ["kind", "score"]
    assert frame["score"].max() == 0.9


def test_a_record_keeps_a_thousand_outputs_and_how_many_there_were(repo: Repository, five: list[Run]) -> None:
    found = repo.runs.get(five[0].run_id)
    assert found.outputs is not None
    assert (len(found.outputs), found.outputs_total) == (1_000, 1_200)


def test_a_run_has_a_name_and_a_note(repo: Repository, five: list[Run]) -> None:
    repo.runs.annotate(five[1].run_id, name="best", note="for the paper")
    found = repo.runs.get("best")
    assert (found.run_id, found.name, found.note) == (five[1].run_id, "best", "for the paper")
    assert repo.runs.annotate("best", note="").name == "best"
    with pytest.raises(AlreadyExists, match=five[1].run_id):
        repo.runs.annotate(five[0].run_id, name="best")
    for wrong in ("run-1", "abcd", "a b", "../x"):
        with pytest.raises(NameInvalid):
            repo.runs.annotate(five[0].run_id, name=wrong)
    with pytest.raises(InputError):
        repo.runs.annotate(five[0].run_id, note="x" * 100_000)
    assert repo.runs.annotate("best", name="").name is None
    assert repo.runs.annotate(five[0].run_id, name="best").name == "best"
    assert repo.verify(every=True).ok
    assert repo.doctor(strict=True).healthy


def test_a_record_is_removed_and_its_snapshots_stay(repo: Repository, five: list[Run]) -> None:
    before = len(repo.history())
    assert repo.runs.remove(five[0].run_id).run_id == five[0].run_id
    with pytest.raises(RunNotFound):
        repo.runs.get(five[0].run_id)
    assert len(repo.runs.all()) == 4
    assert len(repo.history()) == before
    assert repo.doctor(strict=True).healthy
    assert repo.audit.log(limit=1)[0].operation == "run_remove"


def test_a_run_under_way_is_not_removed(repo: Repository) -> None:
    with repo.hold() as lease:
        begun = repo.runs.start(
            lease,
            command=["sleep", "9"],
            parameters={},
            before_snapshot_id=repo.snapshot("before").snapshot_id,
            environment_digest=DIGEST,
        )
        with pytest.raises(LockConflict, match="sleep 9"):
            repo.runs.remove(begun.run_id)
    assert len(repo.runs.all()) == 1


def test_a_removal_that_was_cut_short_is_found_and_completed(
    repo: Repository, five: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(layout: Layout, run_id: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(records, "remove", cut_short)
        with pytest.raises(KeyboardInterrupt):
            repo.runs.remove(five[0].run_id)
    found = [finding for finding in repo.doctor(strict=True).findings if finding.severity != "info"]
    assert [(finding.code, finding.target, finding.repair) for finding in found] == [
        ("W_RUN_REMAINS", five[0].run_id, "clean_tmp")
    ]
    assert repo.doctor(repairs=["clean_tmp"], strict=True).healthy
    assert len(repo.runs.all()) == 4


def test_a_removed_record_that_remains_is_not_taken_over_by_a_new_log(
    repo: Repository, five: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(records, "remove", lambda layout, run_id: None)
        repo.runs.remove(five[0].run_id)
    log = repo.root / ".jvs" / "audit" / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0].replace(b'"init"', b'"inix"'), *lines[1:]]))
    repo.doctor(repairs=["audit_repair"])
    assert [finding.code for finding in repo.doctor().findings if finding.target == five[0].run_id] == [
        "W_RUN_REMAINS"
    ]


def test_what_a_process_read_before_is_read_again_once_it_was_replaced(
    repo: Repository, five: list[Run]
) -> None:
    assert len(repo.runs.all()) == 5
    place = repo.root / ".jvs" / "runs" / f"{five[0].run_id}.json"
    about = place.stat()
    changed = json.loads(place.read_bytes())
    changed["metrics"] = {"score": 0.6}
    other = place.with_suffix(".new")
    other.write_text(json.dumps(changed))
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    os.replace(other, place)
    assert repo.runs.find(where=["score=0.6"])[0].run_id == five[0].run_id
    place.write_text("{")
    unreadable: list[str] = []
    assert len(repo.runs.all(unreadable)) == 4
    assert five[0].run_id in unreadable[0]
    place.unlink()
    assert len(repo.runs.all()) == 4


def test_records_with_values_of_any_shape_can_be_asked_about(repo: Repository) -> None:
    odd: list[Any] = [
        {"$jvs": "float", "value": "x"},
        {"$jvs": "float", "value": []},
        [1],
        {"a": None},
        True,
        "9",
    ]
    for value in odd:
        ran(repo, {"odd": value}, {})
    for condition in ("odd>1", "odd=1", "odd!=1", "odd~x"):
        repo.runs.find(where=[condition], sort="odd")
        repo.runs.find(where=[condition], sort="-odd")
    assert len(run_query.table(repo.runs.find(sort="odd")).rows) == len(odd)
