"""Real file systems for tests and the benchmark: XFS, btrfs and ext4 on loop devices, JuiceFS with two clients.

Each is a context manager that leaves nothing behind. What the machine cannot do raises ``Unavailable`` with the
reason; the fixtures turn that into a skip or, on CI, into a failure.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jvs_core.payload.tree.mounts import current, mount_of
from tests.support.ledger import ledger_entry, mount_points, unmount
from tests.support.redis_server import redis_server

GIB = 1 << 30
LOOP_KINDS = ("xfs", "btrfs", "ext4")
KINDS = (*LOOP_KINDS, "juicefs")

_MKFS = {
    "xfs": ("mkfs.xfs", "-q", "-K", "-m", "reflink=1"),
    "btrfs": ("mkfs.btrfs", "-q", "-K"),
    "ext4": ("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "nodiscard"),
}
_LAYERS = {"lowerdir": "lower", "upperdir": "upper", "workdir": "work"}
_TOOL_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
_MOUNT_PATIENCE_S = 30.0
_QUOTA_CTL, _ENABLE_SIMPLE = 0xC0109428, 4


class Unavailable(Exception):
    """This machine cannot provide the file system; the message says why."""


@dataclass(frozen=True)
class FileSystem:
    """A mounted file system.

    ``second_mount`` is another client's mount of the same JuiceFS volume, whose metadata is in the database ``meta`` (None:
    in Redis); ``clients`` are the process groups of the two. ``image`` is the backing file of a loop mount, which a power-cut test
    copies while it is mounted.
    """

    kind: str
    mount: Path
    second_mount: Path | None = None
    image: Path | None = None
    meta: Path | None = None
    clients: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """What it is called in tables: its kind, of JuiceFS with what holds the metadata unless it is SQLite."""
        return "juicefs-redis" if self.kind == "juicefs" and self.meta is None else self.kind


@contextlib.contextmanager
def loop_filesystem(
    kind: str, *, size: int = 2 * GIB, options: str = "", folder: Path | None = None
) -> Iterator[FileSystem]:
    """Make a file system of ``kind`` in a sparse file of ``size`` bytes, which lies in ``folder``, and mount it."""
    make = _MKFS[kind]
    _require_root(f"mounting {kind}")
    tool = _require_tool(make[0])
    with ledger_entry() as undo:
        base = _scratch(undo)
        image, mount = (folder or base) / f"{kind}.img", base / kind
        mount.mkdir()
        with image.open("wb") as file:
            file.truncate(size)
        _run(tool, *make[1:], str(image))
        undo.callback(unmount, mount)
        _run("mount", "-t", kind, "-o", ",".join(["loop", *filter(None, [options])]), str(image), str(mount))
        yield FileSystem(kind, mount, image=image)


@contextlib.contextmanager
def juicefs_volume(
    *,
    trash_days: int = 0,
    clients: int = 2,
    xattr: bool = True,
    heartbeat_s: int | None = None,
    metadata: Literal["sqlite", "redis"] = "sqlite",
    bucket: str | None = None,
    apart: bool = False,
    mount: Sequence[str] = (),
) -> Iterator[FileSystem]:
    """Format a JuiceFS volume and mount it by one or two clients.

    ``bucket`` is the address of an S3 store; None: objects are files in a folder. With ``apart`` each client has a network and a host name of its own, as on two hosts that share nothing but the volume;
    the socket of Redis is what joins them. ``xattr`` switches on extended attributes and access lists, which JuiceFS leaves off. A client that is silent for
    five times ``heartbeat_s`` loses its file locks. ``mount`` are further options of both mounts.
    """
    client = _require_juicefs()
    with ledger_entry() as undo:
        base = _scratch(undo)
        if metadata == "redis":
            meta = undo.enter_context(redis_server(_require_tool("redis-server"), base))
        else:
            meta = f"sqlite3://{base}/meta.db"
        storage = [
            "--storage",
            "s3",
            "--bucket",
            str(bucket),
            "--access-key",
            "key",
            "--secret-key",
            "secret",
        ]
        if bucket is None:
            (base / "objects").mkdir()
            storage = ["--storage", "file", "--bucket", f"{base}/objects"]
        storage += ["--trash-days", str(trash_days)]
        _run(client, "format", "--no-update", *storage, *(["--enable-acl"] if xattr else []), meta, "jvstest")
        mounts = [base / f"juicefs{number}" for number in range(1, clients + 1)]
        options = [*mount, "--enable-xattr"] if xattr else list(mount)
        options += [] if heartbeat_s is None else ["--heartbeat", f"{heartbeat_s}s"]
        groups = tuple(_start_juicefs(undo, client, meta, mount, options, apart) for mount in mounts)
        second = mounts[1] if clients > 1 else None
        database = base / "meta.db" if metadata == "sqlite" else None
        yield FileSystem("juicefs", mounts[0], second, meta=database, clients=groups)


def count_quotas(filesystem: FileSystem) -> None:
    """Switch on simple quotas on btrfs, as ``btrfs quota enable --simple`` of btrfs-progs 6.7 does."""
    folder = os.open(filesystem.mount, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(folder, _QUOTA_CTL, bytearray(struct.pack("=QQ", _ENABLE_SIMPLE, 0)))
    except OSError as error:
        raise Unavailable(f"no simple quotas on btrfs: {error}") from error
    finally:
        os.close(folder)


@contextlib.contextmanager
def silenced(filesystem: FileSystem) -> Iterator[None]:
    """Stop the first client of a JuiceFS volume for the block, but not while it keeps others from the metadata."""
    assert filesystem.meta is not None
    group = filesystem.clients[0]
    try:
        while True:
            os.killpg(group, signal.SIGSTOP)
            with (
                contextlib.suppress(sqlite3.OperationalError),
                contextlib.closing(
                    sqlite3.connect(filesystem.meta, timeout=0.2, isolation_level=None)
                ) as meta,
            ):
                meta.execute("BEGIN IMMEDIATE")
                meta.execute("ROLLBACK")
                break
            os.killpg(group, signal.SIGCONT)
            time.sleep(0.05)
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


@contextlib.contextmanager
def bound(source: Path, target: Path) -> Iterator[None]:
    """Let ``source`` be seen at ``target``, too, for the block, wherever the block moves that; needs root."""
    _require_root("a bind mount")
    with ledger_entry() as undo:
        _run("mount", "--bind", str(source), str(target))
        mine = mount_of(target)

        def unbind() -> None:
            for mount in current():
                if mine is not None and mount.mount_id == mine.mount_id:
                    unmount(Path(os.fsdecode(mount.point)))

        undo.callback(unbind)
        yield


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written below ``folder`` for the block, not even by root; needs root."""
    with bound(folder, folder):
        _run("mount", "-o", "remount,bind,ro", str(folder))
        yield


@contextlib.contextmanager
def memory_at(target: Path) -> Iterator[None]:
    """Mount a small tmpfs at ``target`` for the block; needs root."""
    _require_root("a mount")
    with ledger_entry() as undo:
        _run("mount", "-t", "tmpfs", "-o", "size=8m", "jvs-test", str(target))
        undo.callback(unmount, target)
        yield


@contextlib.contextmanager
def layered(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a folder, in a new one inside ``folder``, that is to be a lower layer of overlayfs, and where its union will be.

    ``lay`` makes the union of it; needs root.
    """
    _require_root("overlayfs")
    for name in ("lower", "upper", "work", "union"):
        (folder / name).mkdir()
    with ledger_entry() as undo:
        undo.callback(unmount, folder / "union")
        yield folder / "lower", folder / "union"


def lay(union: Path) -> None:
    """Put an empty writable layer over the lower one of ``layered``, as a container does over its image."""
    layers = ",".join(f"{kind}={union.with_name(name)}" for kind, name in _LAYERS.items())
    try:
        _run("mount", "-t", "overlay", "-o", f"{layers},redirect_dir=off", "jvs-test", str(union))
    except OSError as error:
        raise Unavailable(f"no overlayfs: {error}") from error


@contextlib.contextmanager
def processes_at(target: Path) -> Iterator[None]:
    """Mount what the kernel makes up of its processes at ``target`` for the block; needs root."""
    _require_root("a mount")
    with ledger_entry() as undo:
        _run("mount", "-t", "proc", "jvs-test", str(target))
        undo.callback(unmount, target)
        yield


@contextlib.contextmanager
def local_filesystem() -> Iterator[FileSystem]:
    """Yield a plain directory of whatever file system temporary files live on."""
    with ledger_entry() as undo:
        yield FileSystem("local", _scratch(undo))


@contextlib.contextmanager
def real_filesystem(kind: str) -> Iterator[FileSystem]:
    """Yield a file system of any kind, of the default size."""
    makers = {"juicefs": juicefs_volume, "juicefs-redis": _two_hosts, "local": local_filesystem}
    with makers[kind]() if kind in makers else loop_filesystem(kind) as filesystem:
        yield filesystem


def _two_hosts() -> contextlib.AbstractContextManager[FileSystem]:
    return juicefs_volume(metadata="redis", apart=True)


def juicefs_client() -> str | None:
    """Return the JuiceFS client: of this virtual environment first, else of PATH."""
    return shutil.which("juicefs", path=os.pathsep.join([str(Path(sys.executable).parent), _TOOL_PATH]))


def _start_juicefs(
    undo: contextlib.ExitStack, client: str, meta: str, mount: Path, options: list[str], apart: bool
) -> int:
    mount.mkdir()
    log = mount.with_suffix(".log")
    options = [*options, "--no-usage-report", "--no-syslog", "--backup-meta", "0", "--metrics", "127.0.0.1:0"]
    command = [client, "mount", *options, "--cache-dir", str(mount.with_suffix(".cache")), meta, str(mount)]
    if apart:
        script = 'hostname "$1"; shift; ip link set lo up 2>/dev/null; exec "$@"'
        command = ["unshare", "--net", "--uts", "sh", "-c", script, "sh", mount.name, *command]
    with log.open("wb") as output:
        # A session of its own, so that Ctrl-C in the terminal does not end the client under a running test.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    undo.callback(_end, process)
    undo.callback(unmount, mount)
    deadline = time.monotonic() + _MOUNT_PATIENCE_S
    while mount not in mount_points():
        if process.poll() is not None or time.monotonic() > deadline:
            raise OSError(f"juicefs did not mount {mount}:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.02)
    return process.pid


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a client that was unmounted; stop it when it lingers on a busy, lazily detached mount."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
        return
    process.kill()
    process.wait()


def _scratch(undo: contextlib.ExitStack) -> Path:
    base = Path(tempfile.mkdtemp(prefix="jvs-fs-")).resolve()
    undo.callback(subprocess.run, ["rm", "-rf", "--one-file-system", "--", str(base)], check=False)
    base.chmod(0o755)  # tests that drop to another user must get through
    return base


def _require_root(what: str) -> None:
    if os.geteuid() != 0:
        raise Unavailable(f"{what} needs root")


def _require_tool(name: str) -> str:
    found = shutil.which(name, path=_TOOL_PATH)
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found


def _require_juicefs() -> str:
    client = juicefs_client()
    if client is None:
        raise Unavailable("the JuiceFS client is not installed (extra 'juicefs')")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Unavailable("/dev/fuse is not there or not writable")
    if os.geteuid() != 0:
        _require_tool("fusermount3")
    return client


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
