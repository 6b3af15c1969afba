"""Damaged repositories and refused file systems: the contract's code, exit status and form, and nothing half visible."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.core.cli.conftest import Ended, Jvs, process, start
from tests.support.commands import READING
from tests.support.filesystems import FileSystem, loop_filesystem
from tests.support.ledger import unmount
from tests.support.metadata import metadata_of

CHANGING = (
    ["snapshot", "x", "--lock"],
    ["lock", "acquire"],
    ["worktree", "create", "w"],
    ["restore", "HEAD"],
    ["restore", "HEAD", "--path", "a.txt", "--to", "copy.txt"],
    ["ref", "create", "r", "HEAD"],
)


def refused(jvs: Jvs, line: list[str], code: str, status: int) -> Ended:
    """Run a command that must fail, in both forms; return how it ended in words."""
    found = jvs(*line, "--json", status=status).error
    assert (found["code"], bool(found["message"])) == (code, True)
    shown = jvs(*line, status=status)
    assert shown.out == ""
    assert shown.err.splitlines()[0].startswith(f"jvs: {code}: ")
    return shown


@pytest.mark.parametrize("line", [*READING, *CHANGING], ids=" ".join)
def test_outside_a_repository_every_command_says_so(
    jvs: Jvs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path) in refused(jvs, line, "E_NOT_A_REPOSITORY", 3).err
    refused(jvs, ["--repo", "missing", *line], "E_NOT_A_REPOSITORY", 3)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"1\n", b"3\n", b"", b"1x\n", b"\xff\xfe", b"999999999999999999999\n", None]
)
@pytest.mark.parametrize("line", [["status"], ["snapshot", "x", "--lock"], ["verify", "--all"]], ids=" ".join)
def test_another_format_is_not_touched(jvs: Jvs, repo: Path, content: bytes | None, line: list[str]) -> None:
    version = repo / ".jvs" / "format_version"
    if content is None:
        version.unlink()
    else:
        version.write_bytes(content)
    before = metadata_of(repo)
    refused(jvs, line, "E_FORMAT_UNSUPPORTED", 6)
    assert metadata_of(repo) == before


@pytest.mark.parametrize(
    "content",
    [
        b"not toml",
        b"\xff\xfe",
        b"unknown = 1",
        b"engine = 7",
        b'[lease]\nduration_ms = "long"',
        b"[lease]\nduration_ms = 1",
        b"[retention.x]\nkeep_last = -1",
    ],
)
def test_a_damaged_configuration_is_named(jvs: Jvs, repo: Path, content: bytes) -> None:
    (repo / ".jvs" / "config.toml").write_bytes(content)
    shown = refused(jvs, ["status"], "E_USAGE", 2)
    assert "config.toml" in shown.err
    assert "\nhint: " in shown.err


def test_an_unknown_engine_in_the_configuration_is_named(jvs: Jvs, repo: Path) -> None:
    (repo / ".jvs" / "config.toml").write_text('engine = "rsync"\n')
    assert "'rsync'" in refused(jvs, ["snapshot", "x", "--lock"], "E_USAGE", 2).err


def truncated(path: Path) -> None:
    """Cut a file in half."""
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    """Leave nothing of a file's content."""
    os.truncate(path, 0)


def edited(path: Path) -> None:
    """Change one value of a JSON file."""
    fields = json.loads(path.read_text())
    fields["note"] = "forged"
    path.write_text(json.dumps(fields))


def binary(path: Path) -> None:
    """Fill a file with no text."""
    path.write_bytes(b"\xff\x00\xfe" * 50)


def other_json(path: Path) -> None:
    """Put valid JSON of another shape."""
    path.write_text("[1, 2]")


DAMAGES = [truncated, emptied, binary, other_json]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_worktree_record_is_named_and_nothing_is_written(
    jvs: Jvs, repo: Path, two: tuple[str, str], damage: Callable[[Path], None]
) -> None:
    record = repo / ".jvs" / "worktrees" / "main" / "config.json"
    damage(record)
    before = metadata_of(repo)
    for line in (["status"], ["snapshot", "x", "--lock"], ["history"], ["show", "HEAD"]):
        assert "main" in refused(jvs, line, "E_DESCRIPTOR_CORRUPT", 5).err
    assert metadata_of(repo) == before
    assert jvs("doctor", "--json", status=5).json["healthy"] is False


@pytest.mark.parametrize("damage", [*DAMAGES, edited])
def test_a_damaged_descriptor_is_never_restored(
    jvs: Jvs, repo: Path, two: tuple[str, str], damage: Callable[[Path], None]
) -> None:
    damage(repo / ".jvs" / "descriptors" / f"{two[1]}.json")
    before = metadata_of(repo / "main")
    there = os.listdir(repo / "worktrees")
    refused(jvs, ["restore", two[1]], "E_DESCRIPTOR_CORRUPT", 5)
    jvs("lock", "acquire")
    refused(
        jvs,
        ["restore", two[1], "--inplace", "--force", "--reason", "x"],
        "E_DESCRIPTOR_CORRUPT",
        5,
    )
    assert (metadata_of(repo / "main"), os.listdir(repo / "worktrees")) == (before, there)
    report = jvs("verify", two[1], "--json", status=5).json
    assert report["snapshots"][0]["tamper_detected"] is True
    assert f"{two[1]}  TAMPERED  E_DESCRIPTOR_CORRUPT" in jvs("verify", two[1], status=5).out
    jvs("restore", two[0])


@pytest.mark.parametrize("name", [".READY", "manifest", "payload"])
def test_a_snapshot_with_a_part_missing_is_never_restored(
    jvs: Jvs, repo: Path, two: tuple[str, str], name: str
) -> None:
    part = repo / ".jvs" / "snapshots" / two[1] / name
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    refused(jvs, ["restore", two[1]], "E_PARTIAL_SNAPSHOT", 5)
    assert os.listdir(repo / "worktrees") == []
    assert "TAMPERED  E_PARTIAL_SNAPSHOT" in jvs("verify", "--all", status=5).out


def test_a_changed_byte_in_a_payload_is_found_and_not_restored(
    jvs: Jvs, repo: Path, two: tuple[str, str]
) -> None:
    file = repo / ".jvs" / "snapshots" / two[1] / "payload" / "a.txt"
    before = file.stat()
    file.write_text("TWO\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns - 1))
    assert "a.txt" in refused(jvs, ["restore", two[1]], "E_PAYLOAD_HASH_MISMATCH", 5).err
    assert os.listdir(repo / "worktrees") == []
    report = jvs("verify", two[1], "--json", status=5).json
    assert report["snapshots"][0]["damaged_paths"] == ["a.txt"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_ref_is_named(
    jvs: Jvs, repo: Path, two: tuple[str, str], damage: Callable[[Path], None]
) -> None:
    jvs("ref", "create", "best", two[0])
    damage(repo / ".jvs" / "refs" / "best.json")
    for line in (["show", "best"], ["restore", "best"], ["ref", "list"]):
        assert "best" in refused(jvs, line, "E_REF_BROKEN", 5).err
    jvs("restore", two[0][:-1])


@pytest.mark.parametrize(
    "place", ["worktrees/x", ".jvs/snapshots", ".jvs/refs", ".jvs/descriptors", "main"], ids=str
)
def test_a_symbolic_link_out_of_the_repository_is_not_followed(
    jvs: Jvs, repo: Path, two: tuple[str, str], tmp_path: Path, place: str
) -> None:
    outside = tmp_path / "outside"
    if place == "worktrees/x":
        outside.mkdir()
        (repo / place).symlink_to(outside)
        refused(jvs, ["worktree", "create", "x"], "E_PATH_ESCAPE", 2)
        assert os.listdir(outside) == []
    else:
        (repo / place).rename(outside)
        (repo / place).symlink_to(outside)
        os.chdir(repo)
        before = metadata_of(outside)
        refused(jvs, ["--repo", str(repo), "snapshot", "x", "--lock"], "E_PATH_ESCAPE", 2)
        assert metadata_of(outside) == before


def ends(children: list[subprocess.Popen[bytes]]) -> list[int]:
    """Wait for all and return their exit statuses."""
    for child in children:
        child.communicate(timeout=60)
    return [child.returncode for child in children]


@pytest.mark.slow
def test_two_snapshots_at_once_are_one_after_the_other(repo: Path) -> None:
    children = [start("snapshot", str(number), "--lock", "--wait", "30", cwd=repo) for number in range(4)]
    assert ends(children) == [0] * 4
    assert len(process("history", "--json", cwd=repo).json) == 4
    process("verify", "--all", cwd=repo)


@pytest.mark.slow
def test_of_two_commands_that_make_one_name_one_wins(repo: Path, two: tuple[str, str]) -> None:
    children = [start("worktree", "create", "w", cwd=repo) for _ in range(3)]
    assert sorted(ends(children)) == [0, 4, 4]
    children = [start("ref", "create", "r", "HEAD", cwd=repo) for _ in range(3)]
    assert sorted(ends(children)) == [0, 4, 4]
    assert process("doctor", cwd=repo).out.splitlines() == ["Repository is healthy."]


def wait_until_it_sleeps(child: subprocess.Popen[bytes]) -> None:
    """Wait until the command sleeps between two looks at a lock; three seconds where the system does not tell."""
    deadline = time.monotonic() + 3
    kernel = Path(f"/proc/{child.pid}/wchan")
    while child.poll() is None and "nanosleep" not in kernel.read_text() and time.monotonic() < deadline:
        time.sleep(0.005)


def test_ctrl_c_while_waiting_for_a_lock_ends_with_130(repo: Path) -> None:
    process("lock", "acquire", cwd=repo)
    child = start("lock", "acquire", "--wait", "60", cwd=repo, env={**os.environ, "JVS_SESSION": "other"})
    wait_until_it_sleeps(child)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert process("lock", "status", "--json", cwd=repo).json["lock"]["session_id"] == "default"


def test_a_repository_without_snapshots_is_sound(repo: Path, jvs: Jvs) -> None:
    assert jvs("verify", "--all", "--json").json["snapshots"] == []
    assert jvs("doctor").out == "Repository is healthy.\n"
    assert jvs("history", "--json").json == []


def leases(repo: Path) -> set[str]:
    """Return the numbers of all leases ever given in a repository with one worktree."""
    return {name for path in (repo / ".jvs" / "locks").glob("*/*") for name in [path.name]}


def wait_for_lease(child: subprocess.Popen[bytes], repo: Path, before: set[str]) -> None:
    """Wait until the command has taken the lock, or has ended."""
    while child.poll() is None and leases(repo) == before:
        time.sleep(0.002)


@pytest.mark.slow
def test_ctrl_c_at_any_moment_leaves_a_healthy_repository(repo: Path) -> None:
    for number in range(300):
        (repo / "main" / f"{number}.txt").write_text(str(number) * 50)
    ended = []
    for delay in (0.0, 0.02, 0.05, 0.1, 0.15, 0.2):
        before = leases(repo)
        child = start("snapshot", "--lock", cwd=repo, start_new_session=True)
        wait_for_lease(child, repo, before)
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        _, err = child.communicate(timeout=60)
        if child.returncode == 130:
            assert err.startswith(b"jvs: E_INTERNAL: interrupted"), err
        ended.append(child.returncode)
    assert set(ended) <= {0, 130, -signal.SIGINT}  # the last: after the end of the work
    # An interrupt in the commit is held back, and acts when the snapshot is complete.
    assert len(process("history", "--json", cwd=repo).json) >= ended.count(0)
    assert process("lock", "status", "--json", cwd=repo).json["state"] == "free"
    assert process("doctor", cwd=repo).first == "Repository is healthy."
    process("verify", "--all", cwd=repo)
    assert os.listdir(repo / ".jvs" / "intents") == []


@pytest.fixture
def small() -> Iterator[FileSystem]:
    """Return a file system of its own."""
    with loop_filesystem("ext4", size=48 << 20) as made:
        yield made


@pytest.mark.realfs
def test_everything_can_be_read_on_a_read_only_mount(small: FileSystem, jvs: Jvs) -> None:
    repo = small.mount / "repo"
    os.chdir(small.mount)
    jvs("init", "repo")
    (repo / "main" / "a.txt").write_text("one\n")
    jvs("--repo", "repo", "snapshot", "--lock")
    (repo / "main" / "a.txt").write_text("two\n")
    jvs("--repo", "repo", "snapshot", "--lock")
    os.chdir("/")
    subprocess.run(["mount", "-o", "remount,ro", small.mount], check=True)
    try:
        for line in READING:
            jvs("--repo", str(repo), *line)
            jvs("--repo", str(repo), *line, "--json")
        for line in CHANGING:
            shown = refused(jvs, ["--repo", str(repo), *line], "E_ENGINE_FAILED", 7)
            assert "read-only" in shown.err.lower()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small.mount], check=True)


@pytest.mark.realfs
@pytest.mark.parametrize(
    "line",
    [["snapshot", "x", "--lock"], ["restore", "HEAD"], ["init", "other", "--from", "repo/main"]],
    ids=" ".join,
)
def test_a_full_disk_is_no_space_and_nothing_half_made(
    small: FileSystem, jvs: Jvs, monkeypatch: pytest.MonkeyPatch, line: list[str]
) -> None:
    monkeypatch.chdir(small.mount)
    jvs("init", "repo")
    (small.mount / "repo" / "main" / "big").write_bytes(os.urandom(12 << 20))
    option = [] if line[0] == "init" else ["--repo", "repo"]
    if line[0] != "init":
        jvs("--repo", "repo", "snapshot", "--lock")
    (small.mount / "repo" / "main" / "big").write_bytes(os.urandom(12 << 20))
    (small.mount / "ballast").write_bytes(bytes(os.statvfs(small.mount).f_bavail * 4096 - (8 << 20)))
    before = metadata_of(small.mount / "repo" / "main")
    assert "\nhint: " in refused(jvs, [*option, *line], "E_NO_SPACE", 7).err
    assert metadata_of(small.mount / "repo" / "main") == before
    assert not (small.mount / "other").exists()
    assert [name for name in os.listdir(small.mount) if name.endswith(".tmp")] == []
    assert os.listdir(small.mount / "repo" / "worktrees") == []
    (small.mount / "ballast").unlink()
    assert jvs("--repo", "repo", "doctor").first == "Repository is healthy."
    jvs(*option, *line)


@pytest.mark.realfs
def test_a_disk_full_to_the_last_byte_loses_nothing(
    small: FileSystem, jvs: Jvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small.mount)
    jvs("init", "repo")
    (small.mount / "repo" / "main" / "a.txt").write_text("one\n")
    taken = jvs("--repo", "repo", "snapshot", "--lock", "--json").json["snapshot_id"]
    with (small.mount / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass
    for line in CHANGING:
        ended = Ended(*run_anyhow(jvs, ["--repo", "repo", *line]))
        assert ended.status in (0, 7), ended
        assert ended.status == 0 or "E_NO_SPACE" in ended.err
    for line in READING:
        if "HEAD~1" not in line and line[0] != "doctor":
            jvs("--repo", "repo", *line)
    (small.mount / "ballast").unlink()
    jvs("--repo", "repo", "verify", "--all")
    assert jvs("--repo", "repo", "doctor", "--json").json["healthy"] is True
    assert jvs("--repo", "repo", "history", "--all", "--json").json[-1]["snapshot_id"] == taken


def run_anyhow(jvs: Jvs, line: list[str]) -> tuple[int, str, str]:
    """Run a command that may end either way."""
    try:
        ended = jvs(*line)
    except AssertionError:
        ended = jvs(*line, status=7)
    return ended.status, ended.out, ended.err


@pytest.mark.realfs
def test_a_repository_whose_mount_is_gone_is_not_found(jvs: Jvs) -> None:
    with loop_filesystem("ext4", size=32 << 20) as made:
        os.chdir(made.mount)
        jvs("init", "repo")
        os.chdir("/")
        unmount(made.mount)
        refused(jvs, ["--repo", str(made.mount / "repo"), "status"], "E_NOT_A_REPOSITORY", 3)


def test_a_mount_that_answers_no_more_is_said_to_be_gone(
    jvs: Jvs, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unconnected(path: object, **_: object) -> str:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(path))

    monkeypatch.setattr("os.path.realpath", unconnected)
    shown = refused(jvs, ["status"], "E_ENGINE_FAILED", 7)
    assert "hint: the mount is dead: mount it again" in shown.err
