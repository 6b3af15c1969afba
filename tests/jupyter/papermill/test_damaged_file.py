"""Notebooks that are read out of a snapshot are what was stored, or nothing is run and nothing delivered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from jvs_core import JvsError
from jvs_jupyter.papermill.io import handler
from jvs_jupyter.runs.deliver import deliver
from tests.jupyter.papermill.support import Papermill, Workspace
from tests.support.damage import DAMAGES, payload_file, rot


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_path_in_a_snapshot_is_read_as_it_was_stored(workspace: Workspace, damage: str) -> None:
    text = workspace.notebook("trials/in.ipynb", "1").read_text()
    workspace.repository.snapshot(lock=True, tags=["t"])
    for snapshot in ("HEAD", "tag:t", "@now"):
        assert handler.read(f"jvs://{snapshot}/trials/in.ipynb") == text
    DAMAGES[damage](payload_file(workspace.repository, "HEAD", "trials/in.ipynb"))
    with pytest.raises(JvsError) as raised:
        handler.read("jvs://HEAD/trials/in.ipynb")
    assert raised.value.code == "E_PAYLOAD_HASH_MISMATCH"


def test_papermill_runs_nothing_of_a_damaged_notebook(workspace: Workspace, papermill: Papermill) -> None:
    source = workspace.notebook("in.ipynb", "open('ran', 'w')").read_bytes()
    workspace.repository.snapshot(lock=True)
    rot(payload_file(workspace.repository, "HEAD", "in.ipynb"), at=source.index(b"ran"))
    done = papermill("jvs://HEAD/in.ipynb", "out.ipynb", status=None)
    assert done.returncode != 0
    assert "the snapshot differs from its manifest: in.ipynb" in done.stderr
    assert not list(Path().glob("s*an"))
    assert workspace.repository.runs.all() == []


def test_a_damaged_result_is_not_delivered(
    workspace: Workspace, jvs: Callable[..., CompletedProcess[str]]
) -> None:
    workspace.notebook("in.ipynb", "1")
    jvs("run", "exec", "in.ipynb", "-o", "out.ipynb")
    run = workspace.only_run()
    assert run.after_snapshot_id is not None
    rot(payload_file(workspace.repository, run.after_snapshot_id, "out.ipynb"))
    target = workspace.repository.root.parent / "results" / "out.ipynb"
    with pytest.raises(JvsError) as raised:
        deliver(workspace.repository, run, "out.ipynb", target)
    assert raised.value.code == "E_PAYLOAD_HASH_MISMATCH"
    assert not target.parent.exists() or not list(target.parent.iterdir())
