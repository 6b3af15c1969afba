"""What a run gives out where there is no space: the contract's error, and nothing half written."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from jvs_core.errors import EngineFailed, NoSpace
from jvs_jupyter.runs import deliver, isolate
from jvs_magics import metric
from tests.jupyter.papermill.support import Workspace


@pytest.fixture(autouse=True)
def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    monkeypatch.setattr(shutil, "copy2", full)


def test_a_result_that_finds_no_space_is_no_internal_error(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    held = workspace.main / "model.bin"
    held.write_bytes(b"weights")
    snapshot = workspace.repository.snapshot("made", lock=True)
    with pytest.raises(NoSpace):
        deliver.copy_of(workspace.repository, snapshot.snapshot_id, held.name, out)
    with pytest.raises(NoSpace, match="result"):
        isolate.copy(held, out / "copy")
    assert not (out / "copy").exists()


def test_a_metric_that_cannot_be_recorded_is_no_internal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    monkeypatch.setenv("JVS_RUN_DIR", str(tmp_path))
    with pytest.raises(EngineFailed, match="the metric 'accuracy'"):
        metric("accuracy", 0.9)
