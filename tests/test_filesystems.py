"""The file systems that tests run on are what they claim to be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.directories import fresh_directory
from tests.support.filesystems import FileSystem
from tests.support.ledger import mount_points
from tests.support.marks import on


def reflink(directory: Path) -> subprocess.CompletedProcess[str]:
    source = directory / "source"
    source.write_bytes(b"x" * 65536)
    clone = ["cp", "--reflink=always", str(source), str(directory / "clone")]
    return subprocess.run(clone, capture_output=True, text=True, check=False)


@on("xfs", "btrfs")
def test_xfs_and_btrfs_share_blocks(workdir: Path) -> None:
    done = reflink(workdir)
    assert done.returncode == 0, done.stderr


@on("ext4", "juicefs")
def test_ext4_and_juicefs_refuse_to_share_blocks(workdir: Path) -> None:
    assert reflink(workdir).returncode != 0


def test_a_mount_is_of_its_kind_and_keeps_attributes(filesystem: FileSystem, workdir: Path) -> None:
    assert filesystem.mount in mount_points()
    file = workdir / "file"
    file.touch()
    os.setxattr(file, "user.colour", b"green")
    subprocess.run(["setfacl", "-m", "u:12345:r", file], check=True)
    assert set(os.listxattr(file)) >= {"user.colour", "system.posix_acl_access"}
    found = subprocess.run(["stat", "-f", "-c", "%T", workdir], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == {"ext4": "ext2/ext3", "juicefs": "fuseblk"}.get(
        filesystem.kind, filesystem.kind
    )


def test_what_one_juicefs_client_writes_the_other_reads(juicefs_pair: tuple[Path, Path]) -> None:
    here, there = juicefs_pair
    (here / "note").write_text("written here")
    assert (there / "note").read_text() == "written here"
    (there / "answer").write_text("written there")
    assert (here / "answer").read_text() == "written there"


def test_two_juicefs_clients_exclude_each_other(juicefs_pair: tuple[Path, Path]) -> None:
    here, there = juicefs_pair
    os.close(os.open(here / "token", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    with pytest.raises(FileExistsError):
        os.open(there / "token", os.O_CREAT | os.O_EXCL | os.O_WRONLY)


def test_read_only_and_nested_subvolumes_are_removed(btrfs: FileSystem) -> None:
    with fresh_directory(btrfs) as directory:
        for path in ("outer", "outer/inner"):
            subprocess.run(
                ["btrfs", "subvolume", "create", directory / path], capture_output=True, check=True
            )
        subprocess.run(["btrfs", "property", "set", "-ts", directory / "outer", "ro", "true"], check=True)
        with pytest.raises(OSError, match="Read-only file system"):
            (directory / "outer" / "file").touch()
    assert not directory.exists()


@on("local")
def test_a_plain_directory_counts_as_a_file_system(filesystem: FileSystem, workdir: Path) -> None:
    assert filesystem.kind == "local"
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("xfs", "juicefs")
def test_a_terminated_process_leaves_no_mount(number: signal.Signals, tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import os, time
        from tests.support.filesystems import juicefs_volume, loop_filesystem
        with loop_filesystem("xfs", size=400 << 20) as xfs, juicefs_volume() as juicefs:
            if os.fork() == 0:
                raise SystemExit
            os.wait()
            busy = open(xfs.mount / "file", "w")
            print(xfs.mount, juicefs.mount, juicefs.second_mount, flush=True)
            time.sleep(60)
    """)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    mounts = {Path(path) for path in process.stdout.readline().split()}
    assert len(mounts) == 3, process.communicate()
    assert mounts <= mount_points(), "a forked child ended its parent's mounts"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not mounts & mount_points()
    assert list(tmp_path.iterdir()) == []
    loops = subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in loops


@pytest.mark.usefixtures("juicefs")
def test_the_commands_of_this_environment_are_found() -> None:
    assert shutil.which("juicefs")
