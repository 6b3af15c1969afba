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
_PATIENCE_S = 5.0


def open_session() -> Path:
    """Make the run's folder, which everybody can pass through, and let temporary files of all processes lie in it.

    It lies in memory, where no test waits for a disk, unless TMPDIR says otherwise or the memory is scarce.
    """
    if "TMPDIR" not in os.environ and _memory_will_do():
        tempfile.tempdir = str(_MEMORY)
    folder = Path(tempfile.mkdtemp(prefix="jvs-tests-")).resolve()
    folder.chmod(0o755)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder


def close_session(folder: Path) -> list[str]:
    """End the processes that are left of the run, unmount, detach, remove; return what there was to end.

    Nothing is left after a run whose workers all lived; a killed one could not clean up after itself.
    """
    left = [f"process {pid}: {command}" for pid, command in _end_processes(folder)]
    for mount in sorted((mount for mount in mount_points() if mount.is_relative_to(folder)), reverse=True):
        left.append(f"mount {mount}")
        with contextlib.suppress(OSError):
            unmount(mount)
    for device, image in _loops(folder):
        left.append(f"{device} on {image}")
        subprocess.run(["losetup", "--detach", device], capture_output=True, check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(folder)], capture_output=True, check=False)
    return left


def _memory_will_do() -> bool:
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    return os.access(_MEMORY, os.W_OK) and not found.f_flag & os.ST_NOEXEC and _free(found) >= _ENOUGH


def _free(found: os.statvfs_result) -> int:
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
