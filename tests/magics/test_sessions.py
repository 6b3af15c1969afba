"""Locks between kernels: one session takes turns, two contend by name, and a kept lock comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jvs_core import Repository
from tests.magics.kernel import Kernel, kernel


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, Kernel, Kernel]]:
    """Return two kernels of the session ``ada`` and one of ``bob``."""
    folder = tmp_path_factory.mktemp("kernels")
    with ExitStack() as stack:

        def start(session: str) -> Kernel:
            own = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
            return stack.enter_context(kernel(folder, JVS_SESSION=session, **own))

        yield start("ada"), start("ada"), start("bob")


@pytest.fixture
def repo(kernels: tuple[Kernel, Kernel, Kernel], tmp_path: Path) -> Repository:
    """Return a new repository with short leases, in whose worktree all kernels are."""
    made = Repository.init(tmp_path / "repo", engine="copy")
    config = made.root / ".jvs" / "config.toml"
    text = config.read_text().replace("duration_ms = 30000", "duration_ms = 4000")
    text = text.replace("renew_interval_ms = 10000", "renew_interval_ms = 500")
    config.write_text(text.replace("max_clock_skew_ms = 2000", "max_clock_skew_ms = 200"))
    (made.root / "main" / "a.txt").write_text("one")
    for one in kernels:
        one.ok(f"%cd -q {made.root / 'main'}\n%config JvsMagics.wait_s = 10")
    return Repository.open(made.root / "main")


def test_two_kernels_of_one_session_take_turns(
    kernels: tuple[Kernel, Kernel, Kernel], repo: Repository
) -> None:
    first, second, _ = kernels
    code = "for n in range(5): get_ipython().run_line_magic('jvs', f'snapshot {who}-{n}')"
    first.client.execute(f"who = 'first'\n{code}")
    second.ok(f"who = 'second'\n{code}")
    first.ok("1")
    notes = [item.descriptor.note for item in repo.history()]
    assert sorted(notes) == sorted(f"{who}-{n}" for who in ("first", "second") for n in range(5))
    assert repo.locks.status().state == "free"


def test_a_lock_kept_by_one_kernel_serves_its_session_and_stops_another_by_name(
    kernels: tuple[Kernel, Kernel, Kernel], repo: Repository
) -> None:
    first, second, other = kernels
    assert "Lock acquired" in first.value("%jvs lock acquire --purpose training")
    time.sleep(5)
    second.ok("%jvs snapshot 'same session'")
    other.ok("%config JvsMagics.wait_s = 0.5")
    ran = other.run("%jvs snapshot 'other session'")
    assert ran.status == "error"
    waiting, refused = ran.err.splitlines()
    assert waiting.startswith("jvs: waiting up to 0.5 s for ")
    assert refused.startswith("UsageError: E_LOCK_CONFLICT")
    assert ":ada (training) since" in refused
    first.ok("%jvs lock release")
    other.ok("%jvs snapshot 'after release'")
    assert [item.descriptor.note for item in repo.history()] == ["after release", "same session"]


def test_a_restart_gives_a_kept_lock_back(kernels: tuple[Kernel, Kernel, Kernel], repo: Repository) -> None:
    first, _, other = kernels
    first.ok("%jvs lock acquire --lease-ms 600000")
    first.restart()
    assert repo.locks.status().state == "free"
    other.ok("%jvs snapshot 'after the restart'")
    first.ok("%load_ext jvs_magics")


def test_a_lock_that_was_lost_is_told_once_and_then_taken_as_usual(
    kernels: tuple[Kernel, Kernel, Kernel], repo: Repository
) -> None:
    """A laptop that sleeps renews nothing: here the renewing thread is stopped instead."""
    first, _, other = kernels
    first.ok("%jvs lock acquire")
    first.ok(
        "from jvs_magics.magics import _LOADED\n"
        "for kept in next(iter(_LOADED.values())).locks._kept.values(): kept.stop.set()"
    )
    other.ok("%config JvsMagics.wait_s = 20\n%jvs snapshot 'took over'")
    line = first.fails("%jvs snapshot 'too late'")
    assert line.startswith(("E_FENCING_MISMATCH", "E_LOCK_EXPIRED"))
    first.ok("%jvs snapshot 'as usual'")
    assert [item.descriptor.note for item in repo.history()] == ["as usual", "took over"]


def test_a_killed_kernel_leaves_its_lock_to_the_lease(
    kernels: tuple[Kernel, Kernel, Kernel], repo: Repository
) -> None:
    """The last test of the module: the kernel is gone."""
    first, _, other = kernels
    first.ok("%jvs lock acquire --purpose forever")
    first.kill()
    other.ok("%config JvsMagics.wait_s = 30\n%jvs snapshot 'after the kill'")
    assert [item.descriptor.note for item in repo.history()] == ["after the kill"]
