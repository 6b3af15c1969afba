"""Fixtures for real file systems, each mounted when the first test asks, and a private state for every test.

``filesystem`` runs a test on XFS, btrfs, ext4 and JuiceFS; ``workdir`` is a fresh directory there. To narrow both:
``@on("xfs", "btrfs")`` from ``tests.support.marks``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.directories import fresh_directory
from tests.support.filesystems import KINDS, LOOP_KINDS, FileSystem, Unavailable, real_filesystem
from tests.support.ledger import close_all
from tests.support.parallel import Scheduler, mark_further, put_in_order
from tests.support.passing import LetPass, passing
from tests.support.session import close_session, open_session

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_REAL_FIXTURES = {
    "filesystem",
    "loop_filesystem",
    "xfs",
    "btrfs",
    "ext4",
    "juicefs",
    "juicefs_pair",
    "two_clients",
    "mounts",
    "bench",
}
_UNTIL = pytest.StashKey[float]()
_FOLDER = pytest.StashKey[Path]()
_LEFT = "no time was left"


class Mounts:
    """The session's file systems, at most one of each kind."""

    def __init__(self, undo: contextlib.ExitStack) -> None:
        self._undo = undo
        self._mounted: dict[str, FileSystem | Unavailable] = {}

    def get(self, kind: str) -> FileSystem:
        """Return the file system, mounted now if need be; skip the test, or on CI fail it, where there is none."""
        if kind not in self._mounted:
            try:
                self._mounted[kind] = self._undo.enter_context(real_filesystem(kind))
            except Unavailable as reason:
                self._mounted[kind] = reason
        found = self._mounted[kind]
        if isinstance(found, FileSystem):
            return found
        if os.environ.get("CI") == "true" or os.environ.get("JVS_REQUIRE_REAL_FS") == "1":
            pytest.fail(f"real file systems are required here: {found}", pytrace=False)
        pytest.skip(str(found))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run have an end, and be quick."""
    parser.addoption(
        "--seconds", type=float, help="start no test after so many seconds, and say which were left out"
    )
    parser.addoption("--in-memory", action="store_true", help="as root, wait for no disk")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let subprocesses keep bytecode, find this environment's commands and heed Ctrl-C; examples take what a file system takes."""
    # A shell's background job ignores Ctrl-C, and so would all that the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    settings.register_profile(
        "jvs",
        deadline=None,
        derandomize=os.environ.get("CI") == "true",
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("jvs")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.stash[_FOLDER] = folder = open_session(in_memory=config.getoption("--in-memory"))
        config.option.basetemp = config.option.basetemp or folder / "t"
        seconds = config.getoption("--seconds")
        config.stash[_UNTIL] = float("inf") if seconds is None else time.time() + seconds
        if config.getoption("numprocesses", None):
            signal.signal(signal.SIGTERM, _interrupt)
            signal.signal(signal.SIGHUP, _interrupt)
    else:
        config.stash[_UNTIL] = given["until"]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker how long there is time."""
    node.workerinput["until"] = node.config.stash[_UNTIL]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    """Keep together what shares a server, and let the order be that of the collection."""
    config.option.loadscopereorder = False
    return Scheduler(config, log)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End what is still mounted, also when a fixture's own clean-up was cut short or a worker died."""
    close_all()
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        for what in close_session(folder):
            sys.stderr.write(f"left behind and ended now: {what[:160]}\n")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that mount, and those that repeat a proof on a further file system."""
    for item in items:
        if _REAL_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("realfs")
    mark_further(items)
    put_in_order(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what would begin too late."""
    if time.time() > item.config.stash[_UNTIL]:
        pytest.skip(_LEFT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    left = Counter(
        report.nodeid.partition("::")[0]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and report.longrepr[2].endswith(_LEFT)
    )
    if left:
        terminalreporter.section(f"left to make nightly: {left.total()}")
        for file, count in sorted(left.items()):
            terminalreporter.write_line(f"{count:5} {file}")


@pytest.fixture(autouse=True)
def private_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test its own user state and cache, in an environment without settings of JVS."""
    home = tmp_path_factory.mktemp("user", numbered=True)
    for name in [name for name in os.environ if name.startswith("JVS_") and name != "JVS_REQUIRE_REAL_FS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JVS_STATE_DIR", str(home / "state"))
    monkeypatch.setenv("JVS_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("JVS_CONFIG_DIR", str(home / "config"))
    return home


@pytest.fixture
def let_pass() -> Iterator[LetPass]:
    """Return a function that lets so many seconds pass at once, by the clocks that leases and records go by."""
    with passing() as function:
        yield function


@pytest.fixture(scope="session")
def mounts() -> Iterator[Mounts]:
    """Mount lazily, unmount at the end of the session."""
    with contextlib.ExitStack() as undo:
        yield Mounts(undo)


@pytest.fixture(params=KINDS)
def filesystem(request: pytest.FixtureRequest, mounts: Mounts) -> FileSystem:
    """Return each real file system in turn."""
    return mounts.get(request.param)


@pytest.fixture(params=LOOP_KINDS)
def loop_filesystem(request: pytest.FixtureRequest, mounts: Mounts) -> FileSystem:
    """Return each file system of one machine in turn."""
    return mounts.get(request.param)


@pytest.fixture
def make_workdir() -> Iterator[Callable[[FileSystem], Path]]:
    """Return a function that makes a fresh directory on a file system; all are removed after the test."""
    with contextlib.ExitStack() as undo:
        yield lambda filesystem: undo.enter_context(fresh_directory(filesystem))


@pytest.fixture
def workdir(filesystem: FileSystem, make_workdir: Callable[[FileSystem], Path]) -> Path:
    """Return a fresh directory on ``filesystem``."""
    return make_workdir(filesystem)


@pytest.fixture
def loop_workdir(loop_filesystem: FileSystem, make_workdir: Callable[[FileSystem], Path]) -> Path:
    """Return a fresh directory on ``loop_filesystem``."""
    return make_workdir(loop_filesystem)


@pytest.fixture
def xfs(mounts: Mounts) -> FileSystem:
    """Return the XFS file system."""
    return mounts.get("xfs")


@pytest.fixture
def btrfs(mounts: Mounts) -> FileSystem:
    """Return the btrfs file system."""
    return mounts.get("btrfs")


@pytest.fixture
def ext4(mounts: Mounts) -> FileSystem:
    """Return the ext4 file system."""
    return mounts.get("ext4")


@pytest.fixture
def juicefs(mounts: Mounts) -> FileSystem:
    """Return the JuiceFS volume."""
    return mounts.get("juicefs")


@pytest.fixture
def juicefs_pair(juicefs: FileSystem, make_workdir: Callable[[FileSystem], Path]) -> tuple[Path, Path]:
    """Return one fresh directory of the JuiceFS volume as its two clients see it."""
    return _seen_twice(juicefs, make_workdir)


@pytest.fixture(params=["juicefs", "juicefs-redis"])
def two_clients(
    request: pytest.FixtureRequest, mounts: Mounts, make_workdir: Callable[[FileSystem], Path]
) -> tuple[Path, Path]:
    """Return one fresh directory as two clients see it: with SQLite, and with Redis on two hosts."""
    return _seen_twice(mounts.get(request.param), make_workdir)


def _seen_twice(juicefs: FileSystem, make_workdir: Callable[[FileSystem], Path]) -> tuple[Path, Path]:
    directory = make_workdir(juicefs)
    assert juicefs.second_mount is not None
    other = juicefs.second_mount / directory.relative_to(juicefs.mount)
    other.stat()
    return directory, other
