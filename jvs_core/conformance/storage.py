"""Requirements of a file system: the calls that JVS relies on."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

from jvs_core import clock, files, piecemeal, regular
from jvs_core.conformance.requirement import Chapter, Facts, NotHere, Scene, Unmet, demand
from jvs_core.control.lock import critical
from jvs_core.errors import AlreadyExists
from jvs_core.payload.tree.mounts import mount_of
from jvs_core.settings import LeaseConfig

storage = Chapter("storage")

_LOCK = """
from pathlib import Path
from jvs_core.control.lock.critical import exclusive
from jvs_core.errors import LockConflict
try:
    with exclusive(Path(sys.argv[1]), wait_s=float(sys.argv[2])):
        print("taken")
except LockConflict:
    print("refused")
"""
_CREATE = """
import os
try:
    os.close(os.open(sys.argv[1], os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    print("made")
except FileExistsError:
    print("refused")
print(sorted(os.listdir(os.path.dirname(sys.argv[1]))))
"""


@storage("mount", "JVS knows the file system, and it has enough space")
def _mount(scene: Scene) -> Facts:
    mount, space = mount_of(scene.folder), os.statvfs(scene.folder)
    demand(space.f_bavail * space.f_frsize > 64 << 20, "less than 64 MiB are free")
    return {
        "kind": mount.kind if mount else "unknown",
        "free_bytes": space.f_bavail * space.f_frsize,
        "name_bytes": space.f_namemax,
    }


@storage("rename-new", "A rename never replaces an existing name")
def _rename_new(scene: Scene) -> None:
    for kind in ("file", "folder"):
        one, other = scene.folder / f"{kind}1", scene.folder / f"{kind}2"
        for path in (one, other):
            path.write_text(path.name) if kind == "file" else (path / "inside").mkdir(parents=True)
        try:
            files.rename_new(one, other)
        except AlreadyExists:
            demand(one.exists() and other.exists(), f"the {kind} is gone although it was refused")
            continue
        raise Unmet(f"a {kind} was renamed over another")
    files.rename_durable(scene.folder / "file1", scene.folder / "free")
    demand((scene.folder / "free").read_text() == "file1", "the renamed file has other content")


@storage(
    "rename-folder",
    "JVS can rename a folder with everything in it: in one step, or in pieces, as overlayfs needs it",
)
def _rename_folder(scene: Scene) -> Facts:
    for number, rename in enumerate((files.rename_new, piecemeal.move)):
        old, new = scene.folder / f"old{number}", scene.folder / f"new{number}"
        (old / "inner").mkdir(parents=True)
        (old / "inner" / "file").write_text("inner")
        os.utime(old / "inner", ns=(0, 10**18))
        rename(old, new)
        demand(not old.exists(), "the old name is still there")
        demand((new / "inner" / "file").read_text() == "inner", "the content of the folder is gone")
        demand((new / "inner").stat().st_mtime_ns == 10**18, "a folder inside it has another time")
    mount = mount_of(scene.folder)
    return {"lower_layers": mount is not None and mount.kind == "overlay"}


@storage(
    "rename-atomic",
    "If a file is replaced while somebody reads it, the reader gets the whole old file or the whole new one",
)
def _rename_atomic(scene: Scene) -> Facts:
    path, stop = scene.folder / "replaced", threading.Event()
    wrong: list[bytes] = []
    versions = [bytes([number]) * 20_000 for number in range(40)]
    files.write_atomic(path, versions[0])
    reads = 0

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            try:
                data = regular.read_replaced(path)
            except OSError as error:
                data = os.strerror(error.errno or 0).encode()
            reads += 1
            if data not in versions:
                wrong.append(data[:40])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in versions:
            files.write_atomic(path, version)
    finally:
        stop.set()
        reader.join()
    found = sorted({data.decode("ascii", "replace") for data in wrong})
    demand(not wrong, f"{len(wrong)} of {reads} reads found neither: {found[:3]}")
    return {"replaced": len(versions), "reads": reads}


@storage("exchange", "Two names change places in one step")
def _exchange(scene: Scene) -> None:
    one, other = scene.folder / "one", scene.folder / "other"
    one.write_text("1")
    other.mkdir()
    try:
        files.exchange(one, other)
    except OSError as error:
        raise Unmet(f"refused: {os.strerror(error.errno or 0)}") from error
    demand(one.is_dir() and other.read_text() == "1", "the two names did not change places")


@storage("exclusive-create", "If several processes create a name at the same time, exactly one succeeds")
def _exclusive_create(scene: Scene) -> Facts:
    rounds, contenders = 30, 8
    for number in range(rounds):
        path = scene.folder / f"name{number}"
        won: list[int] = []
        gate = threading.Barrier(contenders)

        def contend(path: Path = path, won: list[int] = won, gate: threading.Barrier = gate) -> None:
            gate.wait()
            try:
                won.append(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                return

        threads = [threading.Thread(target=contend) for _ in range(contenders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for fd in won:
            os.close(fd)
        demand(len(won) == 1, f"{len(won)} of {contenders} created {path.name}")
    return {"rounds": rounds, "contenders": contenders}


@storage("seen-by-others", "Another process sees a new name immediately, and cannot create it again")
def _seen_by_others(scene: Scene) -> None:
    (scene.folder / "1").touch()
    done = scene.run_python(_CREATE, str(scene.folder / "1"))
    demand(
        done.stdout.split("\n")[:2] == ["refused", "['1']"],
        f"the other process saw {done.stdout or done.stderr!r}",
    )
    demand(
        scene.run_python(_CREATE, str(scene.folder / "2")).stdout.startswith("made"),
        "the other process cannot create a name",
    )
    demand(sorted(os.listdir(scene.folder)) == ["1", "2"], "this process does not see the other's new name")


@storage("lock-exclusion", "A file lock keeps other processes out until its release")
def _lock_exclusion(scene: Scene) -> None:
    path = scene.folder / "lock"
    with critical.exclusive(path):
        held = scene.run_python(_LOCK, str(path), "0.1")
        demand(
            held.stdout.strip() == "refused",
            f"while the lock was held, another process said {held.stdout or held.stderr!r}",
        )
    free = scene.run_python(_LOCK, str(path), "10")
    demand(
        free.stdout.strip() == "taken",
        f"after its release, another process said {free.stdout or free.stderr!r}",
    )


@storage("durable", "A sync makes content, names and whole trees durable")
def _durable(scene: Scene) -> Facts:
    began = time.perf_counter()
    for number in range(10):
        files.create_atomic(scene.folder / str(number), b"x" * 100)
    took = (time.perf_counter() - began) / 10
    files.make_folder(scene.folder / "folder")
    files.rename_durable(scene.folder / "0", scene.folder / "folder" / "0")
    return {"ms_per_durable_file": round(took * 1000, 2)}


@storage("in-place", "A record written in place reads back whole, from either of its two slots")
def _in_place(scene: Scene) -> None:
    from jvs_core.control.lock import slots

    path = scene.folder / "slots"
    slots.create(path, {"n": 0})
    for number in range(1, 6):
        slots.write(path, {"n": number})
        demand(slots.read(path) == {"n": number}, f"after writing {number} the record is {slots.read(path)}")


@storage("names", "The file system keeps names as bytes: case, composition, and bytes that are not UTF-8")
def _names(scene: Scene) -> None:
    top = os.fsencode(scene.folder)
    wanted = [b"a", b"A", "é".encode(), b"e\xcc\x81", b"\xff\xfe", b" ", b"new\nline", b"x" * 255]
    for number, name in enumerate(wanted):
        with open(os.path.join(top, name), "xb") as file:
            file.write(b"%d" % number)
    demand(sorted(os.listdir(top)) == sorted(wanted), "a listing has other names")
    for number, name in enumerate(wanted):
        demand(
            Path(os.fsdecode(os.path.join(top, name))).read_bytes() == b"%d" % number,
            f"{name!r} leads to another file",
        )


@storage("kinds", "Files, folders, links, hard links and FIFOs keep mode, target and time to the nanosecond")
def _kinds(scene: Scene) -> None:
    file, link, pipe = (scene.folder / name for name in ("file", "link", "pipe"))
    file.write_text("x")
    os.link(file, scene.folder / "second")
    link.symlink_to("nowhere/ü")
    os.mkfifo(pipe)
    for mode in (0o400, 0o751, 0o1777, 0o2755, 0o4711):
        os.chmod(file, mode)
        demand(file.stat().st_mode & 0o7777 == mode, f"mode {mode:o} became {file.stat().st_mode & 0o7777:o}")
    moment = 1_234_567_890_123_456_789
    os.utime(file, ns=(moment, moment))
    demand(file.stat().st_mtime_ns == moment, f"the time became {file.stat().st_mtime_ns}")
    demand(file.stat().st_ino == (scene.folder / "second").stat().st_ino, "a hard link is another file")
    demand(os.readlink(link) == "nowhere/ü", "the link leads elsewhere")
    demand(pipe.is_fifo(), "a FIFO became something else")


@storage("xattrs", "Files keep extended attributes of users (`user.*`)")
def _xattrs(scene: Scene) -> None:
    path = scene.folder / "file"
    path.touch()
    try:
        os.setxattr(path, "user.jvs", b"\x00value")
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            raise NotHere("the file system has no extended attributes for users") from error
        raise
    demand(os.getxattr(path, "user.jvs") == b"\x00value", "the attribute has another value")


@storage("clock", "The clock of the file system goes forward, and agrees with the clock of this machine")
def _clock(scene: Scene) -> Facts:
    allowed = LeaseConfig().max_clock_skew_ms
    stamps = []
    for number in range(5):
        path = scene.folder / str(number)
        path.touch()
        stamps.append(path.stat().st_ctime_ns)
        time.sleep(0.005)
    skew = abs(clock.now_ms() - stamps[-1] // 1_000_000)
    demand(stamps == sorted(stamps), "a later change has an earlier time")
    demand(skew <= allowed, f"the clocks differ by {skew} ms; leases allow {allowed} ms")
    return {"skew_ms": skew, "allowed_ms": allowed}
