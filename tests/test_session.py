"""A run of the tests ends in time, and leaves nothing behind, whatever becomes of its workers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.ledger import mount_points
from tests.support.parallel import scope_of
from tests.support.session import close_session

ROOT = Path(__file__).parents[1]


def run(folder: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a test file with two workers and the fixtures of these tests; its temporary files lie in ``scratch``."""
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    realfs\n    further\n    in_turn\n    on_each\n"
    )
    (folder / "test_it.py").write_text(textwrap.dedent(program))
    (folder / "scratch").mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-n", "2"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), *options, "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "scratch")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.usefixtures("xfs", "juicefs")
def test_what_a_killed_worker_has_mounted_and_started_ends_with_the_run(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import os, signal, subprocess

        def test_dies(xfs, juicefs):
            subprocess.Popen(["sleep", "600"], cwd=xfs.mount, start_new_session=True)
            os.kill(os.getpid(), signal.SIGKILL)

        def test_goes_on():
            pass
        """,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    for what in ("sleep 600", "juicefs mount", "mount /"):
        assert what in done.stderr, done.stderr
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not [mount for mount in mount_points() if mount.is_relative_to(tmp_path)]
    loops = subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in loops
    assert close_session(tmp_path / "scratch") == []


def test_what_begins_too_late_is_left_out_and_named(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_too_late():
            raise AssertionError
        """,
        "--seconds=0",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left to make nightly: 1" in done.stdout
    assert "    1 test_it.py" in done.stdout


def test_a_proof_stays_on_one_file_system_and_each_has_its_share(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import pytest

        @pytest.mark.in_turn
        @pytest.mark.parametrize("kind", ["xfs", "btrfs", "ext4"])
        @pytest.mark.parametrize("number", range(40))
        def test_proof(kind, number): pass

        @pytest.mark.parametrize("kind", ["xfs", "btrfs", "ext4"])
        def test_of_each(kind): pass

        @pytest.mark.in_turn
        @pytest.mark.on_each
        @pytest.mark.parametrize("kind", ["xfs", "btrfs", "ext4"])
        def test_that_depends_on_it(kind): pass

        @pytest.mark.in_turn
        @pytest.mark.parametrize("kind", ["folder", "file"])
        @pytest.mark.parametrize("loop_filesystem", ["xfs", "btrfs"])
        @pytest.mark.parametrize("given", [object(), object()])
        def test_of_kinds(kind, loop_filesystem, given): pass
        """,
        "-m",
        "not further",
        "-v",
    )
    assert "50 passed" in done.stdout
    passed = [line.split("[")[-1] for line in done.stdout.splitlines() if "test_proof[" in line]
    numbers = {line.split("-")[0] for line in passed}
    assert len(numbers) == 40
    for kind in ("xfs", "btrfs", "ext4"):
        assert sum(kind in line for line in passed) > 5


def test_a_server_belongs_to_one_worker_and_a_module_too() -> None:
    assert scope_of("tests/jupyter/hub/test_hub.py::test_a") == scope_of(
        "tests/jupyter/hub/test_pages.py::test_b"
    )
    assert scope_of("tests/core/test_a.py::test_a[x::y]") == scope_of("tests/core/test_a.py::test_b")
    assert scope_of("tests/crash/test_a.py::test_a[x]") != scope_of("tests/crash/test_a.py::test_a[y]")
