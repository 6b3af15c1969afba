"""``jvs timeline``, and the process that keeps a history: what it takes, what ends it, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.core.cli.conftest import SOURCE, Jvs, process, start
from tests.core.cli.contract.keys import require

PATIENCE_S = 60.0
QUICK = "[timeline]\nafter_save_s = 1\nevery_s = 1\n"


@contextmanager
def running(repo: Path, **kwargs: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``jvs timeline run`` in the worktree for the block."""
    child = start("timeline", "run", cwd=repo / "main", **kwargs)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def awaited(what: Callable[[], Any]) -> Any:
    """Return what the function returns as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def snapshots(repo: Path) -> list[str]:
    return [item.descriptor.snapshot_id for item in Repository.open(repo).history()]


def test_status_says_how_it_stands(jvs: Jvs, repo: Path, take: Callable[..., str]) -> None:
    found = require(jvs("timeline", "status", "--json").json, "timeline")
    assert (found["worktree"], found["state"], found["changed"], found["last_at"]) == (
        "main",
        "changed",
        2,
        None,
    )
    taken = take()
    found = jvs("timeline", "status", "--json").json
    assert (found["state"], found["changed"], found["head_snapshot_id"]) == ("saved", 0, taken)
    assert found["last_at"].endswith("Z")
    shown = jvs("timeline", "status").out
    assert shown.startswith("Automatic history of worktree main: saved")
    assert "jvs timeline run" in shown
    Path("a.txt").write_text("changed")
    assert "1 path changed" in jvs("timeline", "status").first


def test_on_and_off_keep_the_rest_of_the_configuration(jvs: Jvs, repo: Path) -> None:
    config = repo / ".jvs" / "config.toml"
    config.write_text("# mine\n[timeline]\nevery_s = 60  # often\n\n[lease]\nduration_ms = 5000\n")
    off = jvs("timeline", "off", "--json").json
    assert (off["enabled"], off["every_s"]) == (False, 60)
    require(off, "timeline settings")
    assert config.read_text() == (
        "# mine\n[timeline]\nevery_s = 60  # often\nenabled = false\n\n[lease]\nduration_ms = 5000\n"
    )
    assert jvs("timeline", "status", "--json").json["state"] == "off"
    before = jvs("audit", "log", "--json").json
    assert before[0]["operation"] == "config_set"
    assert jvs("timeline", "off").first == "Automatic history is off"
    assert jvs("timeline", "run", "--json", status=2).error["hint"] == "jvs timeline on"
    assert jvs("audit", "log", "--json").json == before
    assert jvs("timeline", "on").first == "Automatic history is on"
    assert "enabled = true" in config.read_text()
    assert jvs("doctor", "--strict").first == "Repository is healthy."


def test_a_configuration_that_is_not_there_is_made(jvs: Jvs, repo: Path) -> None:
    (repo / ".jvs" / "config.toml").unlink()
    assert jvs("timeline", "off").first == "Automatic history is off"
    assert (repo / ".jvs" / "config.toml").read_text() == "[timeline]\nenabled = false\n"


def test_a_linked_or_damaged_configuration_is_not_touched(jvs: Jvs, repo: Path, tmp_path: Path) -> None:
    config = repo / ".jvs" / "config.toml"
    config.rename(tmp_path / "shared.toml")
    config.symlink_to(tmp_path / "shared.toml")
    before = (tmp_path / "shared.toml").read_text()
    assert "is a link" in jvs("timeline", "off", "--json", status=2).error["message"]
    assert (tmp_path / "shared.toml").read_text() == before
    config.unlink()
    config.write_text("[timeline]\nkeep = ['all']\n")
    assert "keep" in jvs("timeline", "off", "--json", status=2).error["message"]


@pytest.mark.slow
def test_it_takes_what_a_person_saves_and_nothing_else(repo: Path) -> None:
    (repo / ".jvs" / "config.toml").write_text(QUICK)
    with running(repo) as child:
        assert child.stdout is not None
        first = awaited(lambda: snapshots(repo))
        assert child.stdout.readline().startswith(b"watching 2 folders")
        assert child.stdout.readline() == f"Created snapshot {first[0]}\n".encode()
        (repo / "main" / "data" / "new.ipynb").write_text("work")
        second = awaited(lambda: snapshots(repo)[:-1])
        (repo / "main" / ".ipynb_checkpoints").mkdir()
        (repo / "main" / ".ipynb_checkpoints" / "new.ipynb").write_text("work")
        time.sleep(4)
        assert snapshots(repo) == [*second, *first]
        state = json.loads(process("timeline", "status", "--json", cwd=repo / "main").out)
        assert (state["state"], state["runs"]) == ("saved", True)
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 143
    assert not json.loads(process("timeline", "status", "--json", cwd=repo / "main").out)["runs"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_at_any_moment_leaves_nothing(repo: Path, number: signal.Signals, status: int) -> None:
    (repo / ".jvs" / "config.toml").write_text(QUICK)
    for folder in range(20):
        (repo / "main" / f"d{folder}").mkdir()
        for file in range(50):
            (repo / "main" / f"d{folder}" / str(file)).write_text(str(file))
    for pause in (0.3, 0.8, 1.3):
        with running(repo) as child:
            (repo / "main" / "a.txt").write_text(str(pause))
            time.sleep(pause)
            child.send_signal(number)
            ended = child.wait(PATIENCE_S)  # the signal itself where it came before the command began
            assert ended in (status, -number), child.communicate()
        opened = Repository.open(repo)
        assert opened.doctor(strict=True).findings == []
        assert opened.locks.status().state == "free"
        assert not opened.timeline.state().runs
    assert opened.verify(every=True).ok


@pytest.mark.slow
def test_to_end_it_is_no_error(repo: Path) -> None:
    (repo / ".jvs" / "config.toml").write_text(QUICK)
    with running(repo) as child:
        awaited(lambda: snapshots(repo))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    assert out.splitlines()[-1] == b"ended; nothing is half done"
    assert b"E_INTERNAL" not in out + err


@pytest.mark.slow
def test_two_on_one_worktree_take_one_snapshot(repo: Path) -> None:
    (repo / ".jvs" / "config.toml").write_text(QUICK)
    with running(repo), running(repo):
        awaited(lambda: snapshots(repo))
        (repo / "main" / "a.txt").write_text("again")
        awaited(lambda: len(snapshots(repo)) > 1)
        time.sleep(4)
        assert len(snapshots(repo)) == 2


@pytest.mark.slow
def test_a_killed_one_is_followed_by_the_next(repo: Path) -> None:
    (repo / ".jvs" / "config.toml").write_text(QUICK + "\n[lease]\nduration_ms = 1000\n")
    with running(repo) as child:
        awaited(lambda: snapshots(repo))
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not Repository.open(repo).timeline.state().runs
    (repo / "main" / "a.txt").write_text("after")
    with running(repo):
        awaited(lambda: len(snapshots(repo)) == 2)


def test_find_and_restore_know_kept_copies(jvs: Jvs, repo: Path, take: Callable[..., str]) -> None:
    Path("lost.ipynb").write_text("never in a snapshot")
    copy = Repository.open(".").timeline.keep_file("lost.ipynb", "delete")
    assert copy is not None
    Path("lost.ipynb").unlink()
    take()
    (found,) = jvs("find", "lost", "--deleted", "--json").json
    require(found, "found")
    assert (found["versions"], found["last_snapshot_id"]) == ([], None)
    assert [each["copy_id"] for each in found["copies"]] == [copy.copy_id]
    line = jvs("find", "lost").out.splitlines()[-1].removeprefix("  back: jvs ")
    assert require(jvs(*line.split(), "--json").json, "put back")["path"] == "lost.ipynb"
    assert Path("lost.ipynb").read_text() == "never in a snapshot"
    assert jvs("find", "lost", "--deleted", "--json").json == []
    again = jvs(*line.split()).first
    assert "because there is something else with that name now" in again
    assert len([name for name in os.listdir(".") if name.startswith("lost")]) == 2


def test_history_by_words_and_times(jvs: Jvs, repo: Path, take: Callable[..., str]) -> None:
    one = take("Before training")
    Path("a.txt").write_text("2")
    two = take("after TRAINING")
    Path("a.txt").write_text("3")
    take("other")

    def of(*options: str) -> list[str]:
        return [item["snapshot_id"] for item in jvs("history", *options, "--json").json]

    assert of("--grep", "training") == [two, one]
    assert len(of("--since", "1h")) == len(of("--until", "2999-01-01")) == 3
    assert of("--until", "1h") == of("--since", "2999-01-01") == []
    today = jvs("show", two, "--json").json["created_at"]
    assert two in of("--since", today[:10], "--until", today[:10])
    assert of("--since", today, "--until", today) == [two]
    assert "not a time" in jvs("history", "--since", "yesteryear", status=2).err
    jvs("annotate", one, "--note", "renamed")
    assert of("--grep", "RENAMED") == [one]


def test_the_history_of_a_path_that_never_was(jvs: Jvs, take: Callable[..., str]) -> None:
    take()
    assert jvs("history", "--path", "nothing.py", "--json", status=3).error["code"] == "E_PATH_NOT_FOUND"
    assert jvs("history", "--path", "data", "--json").json


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_of_the_guide_is_one(tmp_path: Path) -> None:
    guide = (SOURCE / "docs" / "guides" / "automatic-history.md").read_text(encoding="utf-8")
    unit = re.findall(r"```ini\n(.*?)```", guide, re.DOTALL)[0]
    command = tmp_path / "jvs"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    path = tmp_path / "jvs-timeline@home-you.service"
    path.write_text(unit.replace("%h/jvs/bin/jvs", str(command)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
