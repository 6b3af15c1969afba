"""One folder for all that a run of the tests makes, and what dead processes left in it.

Mounts, images, pytest's own temporary folders and those of every process that the tests start lie in it, so that what
belongs to the run can be told by its path, also when the process that made it is gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.ledger import mount_points, unmount

_MEMORY = Path("/dev/shm")
_ENOUGH = 6 << 30
_SIZE = 24 << 30
_PATIENCE_S = 5.0


def open_session(*, in_memory: bool) -> Path:
    """Make the run's folder, which everybody can pass through, and let temporary files of all processes lie in it.

    Its path is short, for names and sockets that may not be long. With ``in_memory``, where root may mount, it is an
    ext4 file system of its own, so that no test waits for a disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="jvs-")).resolve()
    if in_memory and os.geteuid() == 0:
        _mount_over(folder)
    folder.chmod(0o755)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def close_session(folder: Path) -> list[str]:
    """End the processes that are left of the run, unmount, detach, remove; return what there was to end.

    Nothing is left after a run whose workers all lived; a killed one could not clean up after itself.
    """
    left = [f"process {pid}: {command}" for pid, command in _end_processes(folder)]
    for mount in sorted((mount for mount in mount_points() if mount.is_relative_to(folder)), reverse=True):
        if mount != folder:
            left.append(f"mount {mount}")
        with contextlib.suppress(OSError):
            unmount(mount)
    for device, image in _loops(folder):
        left.append(f"{device} on {image}")
        subprocess.run(["losetup", "--detach", device], capture_output=True, check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(folder)], capture_output=True, check=False)
    return left


def _mount_over(folder: Path) -> None:
    """Mount a file system whose image nobody sees: it goes with the mount. Do nothing where that is not possible."""
    with tempfile.NamedTemporaryFile(dir=_MEMORY if _free() >= _ENOUGH else folder.parent) as image:
        image.truncate(_SIZE)
        for command in (
            ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "nodiscard", image.name],
            ["mount", "-t", "ext4", "-o", "loop,discard,nobarrier,noatime", image.name, str(folder)],
        ):
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            except FileNotFoundError:
                return
            if done.returncode:
                return
    (folder / "lost+found").rmdir()


def _free() -> int:
    """Return how much memory there is for files."""
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return 0
    available = next(
        int(line.split()[1]) << 10
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    return min(found.f_bavail * found.f_frsize, available)


def _end_processes(folder: Path) -> list[tuple[int, str]]:
    found = _processes(folder)
    _signal([pid for pid, _ in found], signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_S
    while found and (alive := _processes(folder)):
        if time.monotonic() > deadline:
            _signal([pid for pid, _ in alive], signal.SIGKILL)
            break
        time.sleep(0.05)
    return found


def _processes(folder: Path) -> list[tuple[int, str]]:
    """Return the processes that were given the run's folder, by TMPDIR or in their command, but this one."""
    wanted = os.fsencode(folder)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if wanted in command or b"\0TMPDIR=" + wanted in b"\0" + (entry / "environ").read_bytes():
                found.append((int(entry.name), os.fsdecode(command.replace(b"\0", b" ").strip())))
    return found


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _loops(folder: Path) -> list[tuple[str, str]]:
    if shutil.which("losetup") is None:
        return []
    command = ["losetup", "--list", "--raw", "--noheadings", "--output", "NAME,BACK-FILE"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    pairs = [(device, image) for device, _, image in (line.partition(" ") for line in lines)]
    return [(device, image) for device, image in pairs if image.startswith(f"{folder}/")]
