"""A disk that is full, and a file system that goes and comes back, under a running history."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.core.cli.conftest import start
from tests.support.filesystems import memory_at

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")]
PATIENCE_S = 60.0


def awaited(what: Callable[[], Any]) -> Any:
    """Return what the function returns as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def made_on(mount: Path) -> Repository:
    repo = Repository.init(mount / "repo", engine="copy")
    (repo.root / ".jvs" / "config.toml").write_text("[timeline]\nafter_save_s = 1\nevery_s = 1\n")
    (repo.root / "main" / "notes").write_text("one")
    return repo


def code(root: Path) -> str | None:
    reason = Repository.open(root).timeline.state().reason
    return None if reason is None else str(reason["code"])


def taken(root: Path) -> int:
    return len(Repository.open(root).history())


def ended(child: subprocess.Popen[bytes]) -> str:
    """End the process as systemd does; return what it told."""
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 143
    assert b"Traceback" not in out + err
    return out.decode()


def test_a_full_disk_pauses_it_and_space_lets_it_go_on(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    with memory_at(tmp_path / "mount"):
        repo = made_on(tmp_path / "mount")
        child = start("timeline", "run", cwd=repo.root / "main")
        try:
            awaited(lambda: taken(repo.root) == 1)
            filling = tmp_path / "mount" / "filling"
            left = os.statvfs(tmp_path / "mount")
            filling.write_bytes(os.urandom(left.f_bavail * left.f_frsize - (512 << 10)))
            (repo.root / "main" / "data").write_bytes(os.urandom(400 << 10))
            awaited(lambda: code(repo.root) == "E_NO_SPACE")
            filling.unlink()
            awaited(lambda: code(repo.root) is None and repo.timeline.state().changed == 0)
            told = ended(child)
        finally:
            child.kill()
            child.communicate()
        assert told.count("is paused: E_NO_SPACE") == told.count("continues") == 1
        assert repo.doctor(strict=True).findings == []
        assert repo.verify(every=True).ok


def test_a_file_system_that_goes_and_comes_back(tmp_path: Path) -> None:
    mount, image = tmp_path / "mount", tmp_path / "image"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    try:
        repo = made_on(mount)
        child = start("--repo", str(repo.root), "timeline", "run", cwd=tmp_path)
        try:
            awaited(lambda: taken(repo.root) == 1)
            subprocess.run(["umount", str(mount)], check=True)
            time.sleep(3)
            assert child.poll() is None
            subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
            (repo.root / "main" / "notes").write_text("two")
            awaited(lambda: taken(repo.root) == 2)
            (repo.root / "main" / "notes").write_text("and its events are heeded again")
            awaited(lambda: taken(repo.root) == 3)
            ended(child)
        finally:
            child.kill()
            child.communicate()
        assert Repository.open(repo.root).doctor(strict=True).findings == []
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)
