"""A payload is held whole against its manifest: every difference is named, and an inode is read once."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jvs_core.errors import DescriptorCorrupt, EngineFailed, PartialSnapshot
from jvs_core.payload.changes import reading
from jvs_core.payload.check import inspection as inspection_module
from jvs_core.payload.check import matching
from jvs_core.payload.check.comparison import Comparison
from jvs_core.payload.check.evidence import FoundInPart
from jvs_core.payload.check.inspection import Inspection
from jvs_core.payload.manifest.document import root_hash
from jvs_core.payload.manifest.lines import encode
from jvs_core.payload.tree import content, folders, juicefs
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.walk import scan
from jvs_core.payload.work import pool
from jvs_core.progress import SILENT, Silent
from tests.support.damage import overwrite

Damage = Callable[[Path], object]


def entries_of(root: Path) -> list[Entry]:
    """Return the entries of a tree, all of it read."""
    found = scan(root)
    files = [position for position, entry in enumerate(found.entries) if entry.kind == FILE]
    digests = dict(zip(files, reading.read(found, files), strict=True))
    return reading.filled(found, [digests.get(position) for position in range(len(found.entries))])


def inspected(root: Path, lines: Sequence[bytes], inspection: Inspection | None = None) -> Comparison:
    return (inspection or Inspection()).inspect(root, lines, files=len(lines), size=0, progress=SILENT)


def in_turn(*acts: Damage) -> Damage:
    """Return the damage that several do one after the other."""
    return lambda root: [act(root) for act in acts]


def build(root: Path) -> Path:
    """Make a tree with every kind of entry, names of one file, and names that a line has to escape."""
    (root / "folder" / "deep").mkdir(parents=True)
    (root / "folder-2").mkdir()
    (root / "empty").mkdir()
    for name in ("a.txt", "folder/b.txt", "folder/deep/c.txt", "folder-2/d.txt", "e\tf\\g\n"):
        (root / name).write_bytes(name.encode() * 100)
    (root / "zero").touch()
    (root / "big").write_bytes(os.urandom(matching.AT_ONCE + 1))
    os.link(root / "a.txt", root / "folder" / "also-a")
    os.link(root / "big", root / "folder" / "also-big")
    (root / "link").symlink_to("folder/b.txt")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    return build(tmp_path / "payload")


@pytest.fixture(params=["alone", "processes", "threads"])
def inspection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Inspection:
    if request.param == "processes":
        monkeypatch.setattr(pool, "processes", lambda files, size: 2)
    return Inspection(threads=3 if request.param == "threads" else 0)


def test_what_is_as_its_manifest_says_is_sound(payload: Path, inspection: Inspection) -> None:
    entries = entries_of(payload)
    for _ in range(2):
        found = inspected(payload, encode(entries), inspection)
        assert found.sound
        assert found.root_hash == root_hash(entries)


DAMAGES: dict[str, tuple[Damage, list[bytes], list[bytes]]] = {
    "content": (lambda root: (root / "zero").write_bytes(b"1"), [b"zero"], []),
    "content of one of several names": (
        lambda root: (root / "a.txt").write_bytes(b"b" * 500),
        [b"a.txt", b"folder/also-a"],
        [],
    ),
    "content of a large one": (
        lambda root: (root / "big").write_bytes(os.urandom(matching.AT_ONCE + 1)),
        [b"big", b"folder/also-big"],
        [],
    ),
    "mode": (lambda root: (root / "zero").chmod(0o600), [], [b"zero"]),
    "missing": (lambda root: (root / "folder/deep/c.txt").unlink(), [b"folder/deep/c.txt"], []),
    "missing folder": (
        lambda root: shutil.rmtree(root / "folder/deep"),
        [b"folder/deep", b"folder/deep/c.txt"],
        [],
    ),
    "surplus": (lambda root: (root / "empty/new").touch(), [b"empty/new"], []),
    "one for another": (
        lambda root: (root / "folder-2/d.txt").rename(root / "folder-2/D.txt"),
        [b"folder-2/D.txt", b"folder-2/d.txt"],
        [],
    ),
    "surplus socket": (lambda root: _socket(root / "empty/socket"), [b"empty/socket"], []),
    "surplus folder": (
        in_turn(lambda root: (root / "new/folder").mkdir(parents=True), lambda root: (root / "new/folder/x").touch()),
        [b"new", b"new/folder", b"new/folder/x"],
        [],
    ),
    "folder for a file": (
        in_turn(lambda root: (root / "zero").unlink(), lambda root: (root / "zero").mkdir(), lambda root: (root / "zero/x").touch()),
        [b"zero", b"zero/x"],
        [],
    ),
    "file for a folder": (in_turn(lambda root: (root / "empty").rmdir(), lambda root: (root / "empty").touch()),
        [b"empty"], []),
    "link for a folder": (
        in_turn(lambda root: (root / "folder-2").rename(root / "x"), lambda root: (root / "folder-2").symlink_to("x")),
        [b"folder-2", b"x", b"x/d.txt"],
        [],
    ),
    "link for a file": (in_turn(lambda root: (root / "zero").unlink(), lambda root: (root / "zero").symlink_to("a.txt")),
        [b"zero"], []),
    "target": (
        in_turn(lambda root: (root / "link").unlink(), lambda root: (root / "link").symlink_to("folder/c.txt")),
        [b"link"],
        [],
    ),
    "socket for a file": (in_turn(lambda root: (root / "zero").unlink(), lambda root: _socket(root / "zero")),
        [b"zero"], []),
    "time": (lambda root: os.utime(root / "zero", (0, 0)), [], [b"zero"]),
    "time of a folder": (lambda root: os.utime(root / "folder", (0, 0)), [], [b"folder"]),
    "time of a link": (lambda root: os.utime(root / "link", (0, 0), follow_symlinks=False), [], [b"link"]),
    "mode of the top": (lambda root: root.chmod(0o700), [], [b""]),
    "two files for one": (
        lambda root: [shutil.copy2(root / "a.txt", root / "x"), (root / "x").rename(root / "a.txt")],
        [],
        [b"a.txt", b"folder/also-a"],
    ),
}  # fmt: skip


def _socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o644)


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_difference_is_named(payload: Path, inspection: Inspection, damage: str) -> None:
    act, damaged, drifted = DAMAGES[damage]
    lines = encode(entries_of(payload))
    times = {path: os.stat(path) for path in [payload, *payload.rglob("*")] if path.is_dir()}
    act(payload)
    if "time" not in damage:
        for path, before in times.items():
            if path.is_dir() and not path.is_symlink():
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = inspected(payload, lines, inspection)
    assert (found.damaged, found.drifted) == (damaged, drifted)


def test_attributes_are_held_too(payload: Path, inspection: Inspection) -> None:
    lines = encode(entries_of(payload))
    for name in ("zero", "folder"):
        os.setxattr(payload / name, "user.note", b"x")
    found = inspected(payload, lines, inspection)
    assert (found.damaged, found.drifted) == ([], [b"folder", b"zero"])


@settings(max_examples=150)
@given(data=st.data())
def test_no_other_lines_are_sound(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "d").mkdir()
        for name in ("a", "b", "d/a", "d\\"):
            (root / name).write_bytes(name.encode())
        os.link(root / "b", root / "d/b")
        (root / "l").symlink_to("a\tb")
        lines = encode(entries_of(root))
        text = b"\n".join(lines)
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 3, len(text))))
        inserted = data.draw(st.text("0123456789-.fdlp\t\n\\/abx\0", max_size=3)).encode()
        mutated = text[:start] + inserted + text[end:]
        order = data.draw(st.sampled_from(["kept", "kept", "reversed", "twice", "cut"]))
        changed = mutated.split(b"\n")
        if order == "reversed":
            changed.reverse()
        elif order == "twice":
            changed = sorted([*changed, changed[-1]])
        elif order == "cut":
            changed.pop()
        try:
            sound = inspected(root, changed).sound
        except DescriptorCorrupt:
            sound = False
        assert sound == (changed == lines)


@pytest.mark.parametrize("field", ["mode", "uid", "gid", "size", "mtime"])
def test_a_number_that_no_line_has_is_no_manifest(payload: Path, inspection: Inspection, field: str) -> None:
    place = ["kind", "mode", "uid", "gid", "size", "mtime"].index(field)
    entries = entries_of(payload)
    for name in (b"big", b"a.txt"):
        lines = list(encode(entries))
        [position] = [position for position, entry in enumerate(entries) if entry.path == name]
        parts = lines[position].split(b"\t")
        parts[place] = b"12x"
        lines[position] = b"\t".join(parts)
        with pytest.raises(DescriptorCorrupt):
            inspected(payload, lines, inspection)


def test_threads_report_on_the_way(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}").touch()
    advances: list[int] = []

    class Listening(Silent):
        def advanced(self, amount: int = 1) -> None:
            advances.append(amount)

    lines = encode(entries_of(tmp_path))
    found = Inspection(threads=3).inspect(tmp_path, lines, files=1000, size=0, progress=Listening())
    assert found.sound
    assert sum(advances) == 1000
    assert max(advances) < 500


def test_a_payload_that_is_not_there_is_damage(payload: Path, inspection: Inspection) -> None:
    lines = encode(entries_of(payload))
    payload.rename(payload.with_name("moved"))
    with pytest.raises(PartialSnapshot):
        inspected(payload, lines, inspection)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_what_cannot_be_read_is_named_and_the_rest_is_held(
    payload: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lines = encode(entries_of(payload))
    overwrite(payload / "zero", b"1")
    _fail_on(monkeypatch, "a.txt", number)
    found = inspected(payload, lines)
    assert found.damaged == [b"zero"]
    assert list(found.unreadable) == [b"a.txt", b"folder/also-a"]
    assert found.wrong == [b"a.txt", b"folder/also-a", b"zero"]


def test_running_out_of_descriptors_says_nothing_about_a_payload(
    payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = encode(entries_of(payload))
    _fail_on(monkeypatch, "zero", errno.EMFILE)
    with pytest.raises(EngineFailed, match="Too many open files"):
        inspected(payload, lines)


def _fail_on(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    real = content.hash_fd

    def hash_fd(fd: int, size: int) -> bytes:
        if os.path.basename(os.readlink(f"/proc/self/fd/{fd}")) == name:
            raise OSError(number, os.strerror(number))
        return real(fd, size)

    monkeypatch.setattr(content, "hash_fd", hash_fd)


@pytest.mark.parametrize("size", [1000, matching.AT_ONCE + 1])
def test_what_is_known_is_not_read_again_and_a_failure_is_never_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    (two / "moved").mkdir(parents=True)
    (one / "a").write_bytes(bytes(size))
    (one / "b").write_bytes(bytes(size + 1))
    os.link(one / "a", two / "moved" / "A")
    os.link(one / "b", two / "b")
    lines = [encode(entries_of(root)) for root in (one, two)]
    reads: list[str] = []
    real = content.hash_fd

    def hash_fd(fd: int, length: int) -> bytes:
        reads.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))
        if reads == ["a", "b"]:
            raise OSError(errno.EIO, "no more")
        return real(fd, length)

    monkeypatch.setattr(content, "hash_fd", hash_fd)
    inspection = Inspection()
    assert list(inspected(one, lines[0], inspection).unreadable) == [b"b"]
    assert inspected(two, lines[1], inspection).sound
    assert inspected(one, lines[0], inspection).sound
    assert reads == ["a", "b", "b"]


def test_a_process_that_is_killed_says_nothing_about_a_payload(
    payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "processes", lambda files, size: 2)
    lines = encode(entries_of(payload))
    with pool.standby(1) as waiting:
        for process in waiting:
            process.kill()
        with pytest.raises(EngineFailed, match="ended early"):
            inspected(payload, lines, Inspection(waiting=waiting))


@pytest.mark.parametrize("group", [b"01", b"+1", b" 1", b"0_1", b"1 "])
def test_a_link_group_is_written_in_one_way(payload: Path, group: bytes) -> None:
    lines = [line.replace(b"\t1\t-\t", b"\t%b\t-\t" % group) for line in encode(entries_of(payload))]
    with pytest.raises(DescriptorCorrupt):
        inspected(payload, lines)


class Meanwhile(Inspection):
    """An inspection between whose two looks at a payload something happens."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.acts = [act]

    def _read_rest(self, *arguments: object) -> None:
        if self.acts:
            self.acts.pop()()
        super()._read_rest(*arguments)  # type: ignore[arg-type]  # passed on as they came


@pytest.fixture
def changed(tmp_path: Path) -> tuple[Path, Path, list[list[bytes]]]:
    """Return two payloads that share a file of several names, changed since, and the lines of their manifests."""
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "f").mkdir(parents=True)
    two.mkdir()
    (one / "f" / "a").write_bytes(b"good")
    os.link(one / "f" / "a", one / "z")
    os.link(one / "z", two / "c")
    shutil.copy2(one / "z", tmp_path / "copy")
    lines = [encode(entries_of(root)) for root in (one, two)]
    before = (one / "z").stat()
    (one / "z").write_bytes(b"evil")
    os.utime(one / "z", ns=(before.st_atime_ns, before.st_mtime_ns))
    return one, two, lines


def test_a_name_that_is_another_file_by_now_settles_no_other(
    changed: tuple[Path, Path, list[list[bytes]]],
) -> None:
    one, _, lines = changed
    inspection = Meanwhile(lambda: os.rename(one.with_name("copy"), one / "f" / "a"))
    assert inspected(one, lines[0], inspection).damaged == [b"z"]


def test_what_was_not_read_is_not_known(changed: tuple[Path, Path, list[list[bytes]]]) -> None:
    one, two, lines = changed
    inspection = Meanwhile(lambda: os.rename(one / "f", one / "g"))
    assert b"z" in inspected(one, lines[0], inspection).damaged
    assert inspected(two, lines[1], inspection).damaged == [b"c"]


def test_a_payload_that_goes_between_two_looks_is_told(changed: tuple[Path, Path, list[list[bytes]]]) -> None:
    one, _, lines = changed
    with pytest.raises(PartialSnapshot):
        inspected(one, lines[0], Meanwhile(lambda: shutil.rmtree(one)))


def test_no_descriptors_left_to_open_a_payload_says_nothing_about_it(
    payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(top: bytes) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    lines = encode(entries_of(payload))
    monkeypatch.setattr(matching, "Folders", refused)
    with pytest.raises(EngineFailed, match="Too many open files"):
        inspected(payload, lines)


def test_threads_that_read_stay_below_the_usual_limit_of_descriptors() -> None:
    assert juicefs.THREADS * (folders.KEPT_OPEN + inspection_module.WAITING_FILES + 1) < 1024 * 0.75


def test_threads_have_few_files_open_also_of_several_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "payload"
    root.mkdir()
    for number in range(100):
        (root / f"{number}").write_text(f"{number}")
        os.link(root / f"{number}", root / f"also-{number}")
    parts: list[int] = []
    real = matching._Match.run

    def run(match: matching._Match) -> FoundInPart:
        parts.append(len(match.lines))
        return real(match)

    monkeypatch.setattr(matching._Match, "run", run)
    assert inspected(root, encode(entries_of(root)), Inspection(threads=2)).sound
    assert max(parts) <= inspection_module.WAITING_FILES


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("names", [1, 2])
def test_a_file_of_another_size_is_not_read(tmp_path: Path, threads: int, names: int) -> None:
    root = tmp_path / "payload"
    root.mkdir()
    (root / "grown").write_bytes(b"content")
    for number in range(1, names):
        os.link(root / "grown", root / f"grown{number}")
    lines = encode(entries_of(root))
    os.truncate(root / "grown", 8 << 40)
    found = inspected(root, lines, Inspection(threads=threads))
    assert found.damaged == [b"grown", b"grown1"][:names]
