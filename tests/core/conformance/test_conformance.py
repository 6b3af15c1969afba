"""The requirements hold on every file system, and a check fails where what it asks for is not so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository, files
from jvs_core.conformance import Requirement, Scene, requirements, run, runner
from jvs_core.control.audit import log_file
from jvs_core.control.lock import file_lock
from jvs_core.errors import UnsavedChanges
from jvs_core.operations import verify, worktree_removal
from jvs_core.operations.inplace import restoring
from jvs_core.payload.check import inspection
from jvs_core.payload.check.comparison import Comparison
from jvs_core.results import ConformanceReport
from jvs_core.settings import from_environment


def _without(*ids: str, only: tuple[str, ...] = ()) -> list[Requirement]:
    return [one for one in requirements() if one.id not in ids and (not only or one.id in only)]


def _only(monkeypatch: pytest.MonkeyPatch, *found: Requirement) -> None:
    monkeypatch.setattr(runner, "requirements", lambda profile: list(found))


def _failed(report: ConformanceReport) -> dict[str, str | None]:
    return {found.id: found.reason for found in report.results if found.status == "FAIL"}


@pytest.mark.in_turn
def test_the_dev_profile_is_met_on_every_file_system(workdir: Path) -> None:
    report = run(workdir, from_environment(), profile="dev")
    assert _failed(report) == {}
    assert report.passed >= 35
    assert os.listdir(workdir) == []


def test_the_release_profile_has_more_and_every_requirement_an_id_of_its_own() -> None:
    dev, release = requirements("dev"), requirements("release")
    assert set(dev) < set(release)
    assert len({one.id for one in release}) == len(release)
    assert len({one.title for one in release}) == len(release)


@pytest.mark.slow
def test_what_only_release_asks_for_is_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, *(one for one in requirements("release") if one.profile == "release"))
    report = run(tmp_path, from_environment(), profile="release")
    assert _failed(report) == {}
    assert report.passed == len(report.results) >= 2


def _say_yes(*_: Any, **__: Any) -> None: ...


def _rename_over(source: Path, target: Path) -> None:
    os.replace(source, target) if not target.is_dir() else os.rename(target, target.with_suffix(".old"))


def _write_badly(path: Path, data: bytes, *, mode: int | None = None) -> None:
    with path.open("wb") as file:
        for position in range(0, len(data), 5_000):
            file.write(data[position : position + 5_000])
            file.flush()
            time.sleep(0.001)  # a reader gets its turn, however busy the machine is


def _lenient(line: bytes) -> Any:
    from jvs_core.model import AuditRecord

    return AuditRecord.model_validate_json(line)


SABOTAGES: dict[str, tuple[object, str, Any]] = {
    "storage.rename-new": (files, "rename_new", _rename_over),
    "storage.rename-atomic": (files, "write_atomic", _write_badly),
    "storage.exchange": (files, "exchange", _say_yes),
    "storage.lock-exclusion": (file_lock, "take", _say_yes),
    "writing.inplace-undo": (restoring, "check_reason", _say_yes),
    "writing.unsaved-kept": (worktree_removal, "_require_saved", _say_yes),
    "integrity.tampered-payload": (inspection, "_compared", lambda *given: Comparison(root_hash=given[-1])),
    "integrity.forged-descriptor": (verify, "_against_log", _say_yes),
    "integrity.tampered-log": (log_file, "parse_line", _lenient),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_check_fails_where_what_it_asks_for_is_not_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    where, attribute, instead = SABOTAGES[name]
    _only(monkeypatch, *_without(only=(name,)))
    monkeypatch.setattr(where, attribute, instead)
    report = run(tmp_path, from_environment(), engine="copy")
    assert list(_failed(report)) == [name]
    assert report.failed == 1


def _raising(error: BaseException) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        Repository.init(scene.folder / "repo", settings=scene.settings)
        raise error

    return check


def test_one_that_fails_in_any_way_is_reported_and_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(
        monkeypatch,
        Requirement("a", "A", "dev", _raising(UnsavedChanges("changes"))),
        Requirement("b", "B", "dev", _raising(RuntimeError("surprise"))),
        Requirement("c", "C", "dev", lambda scene: {"n": 1}),
    )
    report = run(tmp_path, from_environment())
    assert (report.passed, report.failed) == (1, 2)
    assert _failed(report) == {"a": "E_UNSAVED_CHANGES: changes", "b": "RuntimeError: surprise"}
    assert report.results[2].facts == {"n": 1}


def test_an_interrupt_leaves_nothing_behind(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, Requirement("a", "A", "dev", _raising(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        run(workdir, from_environment())
    assert os.listdir(workdir) == []
