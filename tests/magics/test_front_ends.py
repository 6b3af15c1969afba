"""The same magics elsewhere: completion, the terminal, nbclient, a full disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from jvs_core import Repository
from tests.conftest import Mounts
from tests.magics.kernel import Kernel, kernel
from tests.support.filesystems import LOOP_KINDS
from tests.support.source import PYTHONPATH


def test_a_kernel_completes_commands_options_snapshots_refs_and_paths(ip: Kernel, main: Path) -> None:
    (main / "data").mkdir()
    (main / "data" / "train.csv").write_text("1")
    taken = ip.ok("taken = %jvs snapshot 'raw data'\nprint(taken.snapshot_id)").out.strip()
    ip.ok("%jvs ref create good HEAD\n%jvs worktree create trial")
    assert list(ip.complete("%jvs sna")) == ["snapshot"]
    assert list(ip.complete("%jvs auto ")) == ["on", "off", "status"]
    assert list(ip.complete("%jvs snapshot --con")) == ["--consistency"]
    assert list(ip.complete("%jvs snapshot --consistency best")) == ["best_effort"]
    assert ip.complete("%jvs show ")[taken] == "raw data"
    assert list(ip.complete("%jvs show go")) == ["good"]
    assert list(ip.complete("found = %jvs compare go")) == ["good"]
    assert list(ip.complete("%jvs status --worktree tr")) == ["trial"]
    assert list(ip.complete("%jvs cat HEAD data/")) == ["data/train.csv"]
    assert list(ip.complete("%jvs restore HEAD --path da")) == ["data/"]
    assert list(ip.complete("%%jvs note --ta")) == ["--tag"]


def test_completion_outside_a_repository_is_silent(ip: Kernel, tmp_path: Path) -> None:
    ip.ok(f"%cd -q {tmp_path}")
    ip.complete("%jvs show ")
    assert ip.ok("1").err == ""


def test_ipython_in_a_terminal_shows_text(tmp_path: Path) -> None:
    Repository.init(tmp_path / "repo", engine="copy")
    lines = "%load_ext jvs_magics\n%jvs snapshot one\n%jvs history\n%jvs show nowhere\n%jvs browse\n1/0\n"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        input=lines,
        cwd=tmp_path / "repo" / "main",
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Created snapshot " in done.stdout
    assert re.search(r"\d{13}-[0-9a-f]{8}  20\S+  one", done.stdout)
    assert "<div" not in done.stdout
    assert "UsageError: E_SNAPSHOT_NOT_FOUND" in done.stdout + done.stderr
    assert "UsageError: E_USAGE: widgets need a notebook" in done.stdout + done.stderr
    assert [item.descriptor.note for item in Repository.open(tmp_path / "repo").history()] == ["one"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [("%jvs show nowhere", "E_SNAPSHOT_NOT_FOUND"), ("%%jvs risky\n1 / 0", "ZeroDivisionError")],
)
def test_a_failing_magic_stops_a_notebook_that_runs_unattended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, shown: str
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    Repository.init(tmp_path / "repo", engine="copy")
    cells = [
        nbformat.v4.new_code_cell(text) for text in ("%load_ext jvs_magics", source, "open('after', 'w')")
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(tmp_path / "repo" / "main")}}
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=120, resources=place, kernel_name="python3").execute()
    assert shown in str(notebook.cells[1].outputs)
    assert not (tmp_path / "repo" / "main" / "after").exists()


def test_a_full_disk_is_one_line(tmp_path: Path, mounts: Mounts) -> None:
    from tests.support.filesystems import loop_filesystem

    mounts.get(LOOP_KINDS[0])  # skips, or on CI fails, where nothing can be mounted
    with loop_filesystem("ext4", size=64 << 20) as small, kernel(tmp_path) as running:
        repo = Repository.init(small.mount / "repo")
        (repo.root / "main" / "big.bin").write_bytes(os.urandom(30 << 20))
        running.ok(f"%cd -q {repo.root / 'main'}")
        assert running.fails("%jvs snapshot one").startswith("E_NO_SPACE")
        assert repo.history() == []
        running.ok("%cd -q /")


@pytest.mark.parametrize(
    "line",
    [
        "snapshot",
        "restore HEAD",
        "restore HEAD --inplace --force --reason x",
        "undo",
        "lock acquire",
        "ref create a HEAD",
    ],
)
def test_a_read_only_repository_is_one_line(ip: Kernel, main: Path, mounts: Mounts, line: str) -> None:
    from tests.support.filesystems import read_only

    mounts.get(LOOP_KINDS[0])
    ip.ok(
        "%jvs snapshot one\nopen('a.txt', 'w').write('two')\n%jvs restore HEAD --inplace --force --reason x"
    )
    with read_only(main.parent):
        ip.ok(f"%cd -q {main}")
        assert "Read-only file system" in ip.fails(f"%jvs {line}")
        assert ip.value("%jvs status").startswith("On worktree main")
        ip.ok("%jvs auto on\nimport os\n%cd -q /")
    ip.ok(f"%cd -q {main}")


def test_a_repository_that_is_not_trusted_is_one_line(ip: Kernel, main: Path) -> None:
    control = main.parent / ".jvs"
    control.rename(control.with_name("elsewhere"))
    control.symlink_to("elsewhere")
    assert ip.fails("%jvs status").startswith("E_UNTRUSTED_REPOSITORY")
