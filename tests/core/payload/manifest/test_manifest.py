"""The manifest: every list of entries in one way, and nothing read that was not written."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jvs_core.errors import AlreadyExists, DescriptorCorrupt, EngineFailed, PartialSnapshot
from jvs_core.payload import manifest
from jvs_core.payload.manifest.lines import compare, decode, encode
from jvs_core.payload.tree.entry import CONTROL, FIFO, FILE, FOLDER, SYMLINK, Entry
from tests.support.trees import names

TOP = Entry(b"", FOLDER, 0o755, 0, 0, 0, 0)
SHA = bytes(range(32))
_digests = st.binary(min_size=32, max_size=32)


@st.composite
def leaves(draw: st.DrawFn, path: bytes, kind: str) -> Entry:
    """Draw the entry at ``path``, with any values that it may have."""
    return Entry(
        path,
        kind,
        draw(st.integers(0, 0o7777)),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(0, 2**63 - 1)) if kind == FILE else 0,
        draw(st.integers(-(2**63) * 10**9, 2**63 * 10**9 - 1)),
        draw(st.binary(min_size=1, max_size=20).filter(lambda t: b"\0" not in t)) if kind == SYMLINK else b"",
        0,
        draw(st.just(b"") | _digests),
        draw(_digests) if kind == FILE else b"",
    )


@st.composite
def trees(draw: st.DrawFn) -> list[Entry]:
    """Draw the entries of a tree: nested folders, every kind, one file of several names."""
    found = {b"": draw(leaves(b"", FOLDER))}
    for _ in range(draw(st.integers(0, 8))):
        folders = [path for path, entry in found.items() if entry.kind == FOLDER]
        folder = draw(st.sampled_from(folders))
        name = draw(names())
        path = (folder + b"/" if folder else b"") + name
        kinds = [FILE, FILE, SYMLINK, FIFO] if name == CONTROL else [FILE, FILE, FOLDER, SYMLINK, FIFO]
        if path not in found:
            found[path] = draw(leaves(path, draw(st.sampled_from(kinds))))
    files = sorted(path for path, entry in found.items() if entry.kind == FILE)
    linked = files[: draw(st.integers(0, len(files)))]
    if len(linked) > 1:
        found.update((path, found[linked[0]]._replace(path=path, link_group=1)) for path in linked)
    return [found[path] for path in sorted(found)]


@settings(max_examples=25)
@given(entries=trees())
def test_what_is_written_is_read_again(entries: list[Entry]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifest")
        written = manifest.write(path, entries)
        assert manifest.read(path, sha256=written.sha256) == entries
        assert (written.size, written.entries) == (path.stat().st_size, len(entries))
        assert list(manifest.read_lines(path, sha256=written.sha256)) == encode(entries)
        assert manifest.write(Path(folder, "again"), manifest.read(path)) == written


@settings(max_examples=25)
@given(entries=trees())
def test_a_line_alone_tells_its_entry(entries: list[Entry]) -> None:
    assert list(map(decode, encode(entries))) == entries


@pytest.mark.slow
@given(one=trees(), two=trees(), kept=st.data())
def test_two_manifests_are_compared_line_by_line(
    one: list[Entry], two: list[Entry], kept: st.DataObject
) -> None:
    mixed = {entry.path: entry for entry in two}
    mixed.update((entry.path, entry) for entry in one if kept.draw(st.booleans()))
    lines, others = encode(one), encode([mixed[path] for path in sorted(mixed)])
    found = compare(lines, iter(others), len(lines))
    assert [line for line, shared in zip(lines, found.shared, strict=True) if shared] == [
        line for line in lines if line in others
    ]
    assert list(found.others.values()) == [line for line in others if line not in lines]
    assert all(decode(line).path == path for path, line in found.others.items())


def entry(path: bytes = b"a", kind: str = FILE, **fields: Any) -> Entry:
    """Return an entry."""
    made = Entry(path, kind, 0o644, 0, 0, 1 if kind == FILE else 0, 0, sha256=SHA if kind == FILE else b"")
    return made._replace(**fields)


def test_a_manifest_cut_off_anywhere_is_partial(tmp_path: Path) -> None:
    path = tmp_path / "manifest"
    manifest.write(path, [TOP, entry(b"a\nb\\c\t\xff"), entry(b"l", SYMLINK, target=b"a\tb")])
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises((PartialSnapshot, DescriptorCorrupt)):
            manifest.read(path)
    path.unlink()
    with pytest.raises(PartialSnapshot):
        manifest.read(path)
    with pytest.raises(PartialSnapshot):
        manifest.read_lines(path, sha256="0" * 64)


FILE_LINE = b"f\t644\t0\t0\t1\t0\t0\t-\t" + SHA.hex().encode() + b"\ta"
TOP_LINE = b"d\t755\t0\t0\t0\t0\t0\t-\t-\t."


@pytest.mark.parametrize(
    "lines",
    [
        [FILE_LINE],
        [TOP_LINE, FILE_LINE, FILE_LINE],
        [TOP_LINE, FILE_LINE[:-1] + b"b", FILE_LINE],
        [TOP_LINE, FILE_LINE + b"/b"],
        [TOP_LINE, FILE_LINE[:-1] + b".."],
        [TOP_LINE, FILE_LINE[:-1] + b"/a"],
        [TOP_LINE, FILE_LINE[:-1] + b""],
        [TOP_LINE, FILE_LINE[:-1] + b"\\x41"],
        [TOP_LINE, FILE_LINE[:-1] + b"\0"],
        [TOP_LINE, FILE_LINE.replace(b"\t644", b"\t0644")],
        [TOP_LINE, FILE_LINE.replace(b"\t644", b"\t10000")],
        [TOP_LINE, FILE_LINE.replace(b"\t1\t0\t0\t", b"\t01\t0\t0\t")],
        [TOP_LINE, FILE_LINE.replace(b"\t1\t0\t0\t", b"\t-1\t0\t0\t")],
        [TOP_LINE, FILE_LINE.replace(b"\t1\t0\t0\t", b"\t1\t-0\t0\t")],
        [TOP_LINE, FILE_LINE.replace(b"\t1\t0\t0\t", b"\t1\t9223372036854775808000000000\t0\t")],
        [TOP_LINE, FILE_LINE.replace(b"\t1\t0\t0\t", b"\t1\t0\t1\t")],
        [TOP_LINE, FILE_LINE.replace(b"\t0\t0\t1", b"\t4294967296\t0\t1")],
        [TOP_LINE, FILE_LINE.replace(SHA.hex().encode(), SHA.hex().upper().encode())],
        [TOP_LINE, FILE_LINE.replace(SHA.hex().encode(), b"-")],
        [TOP_LINE, FILE_LINE.replace(b"f\t", b"x\t")],
        [TOP_LINE, FILE_LINE.replace(b"f\t", b"l\t")],
        [TOP_LINE, FILE_LINE + b"\ttarget"],
        [TOP_LINE, b"l\t777\t0\t0\t0\t0\t0\t-\t-\ta\t"],
        [TOP_LINE, b"d\t755\t0\t0\t0\t0\t1\t-\t-\td"],
        [TOP_LINE, b""],
    ],
)
def test_no_other_way_to_write_an_entry_is_read(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "manifest"
    path.write_bytes(b"\n".join([b"jvs-manifest 1", TOP_LINE, FILE_LINE, b"end 2\n"]))
    assert manifest.read(path) == [TOP, entry()]
    path.write_bytes(b"\n".join([b"jvs-manifest 1", *lines, b"end %d\n" % len(lines)]))
    with pytest.raises(DescriptorCorrupt, match="line"):
        manifest.read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"jvs-manifest 2\n" + TOP_LINE + b"\nend 1\n",
        b"jvs-manifest 1\n" + TOP_LINE + b"\nend 2\n",
        b"jvs-manifest 1\n" + TOP_LINE + b"\nend 1\nmore",
        b"jvs-manifest 1\n" + TOP_LINE + b"\nend 01\n",
        b"jvs-manifest 1\nend 0\n",
    ],
)
def test_header_and_closing_line_are_exact(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest").write_bytes(content)
    with pytest.raises(DescriptorCorrupt):
        manifest.read(tmp_path / "manifest")


def test_a_manifest_is_held_against_its_digest_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "manifest"
    manifest.write(path, [TOP])
    with pytest.raises(DescriptorCorrupt, match="not the one that JVS recorded"):
        manifest.read(path, sha256="0" * 64)
    with pytest.raises(AlreadyExists):
        manifest.write(path, [TOP, entry()])
    assert manifest.read(path) == [TOP]


@settings(max_examples=40)
@given(entries=trees(), time=st.integers(0, 10**18), owner=st.integers(0, 2**32 - 1))
def test_times_owners_attributes_and_link_groups_stay_out_of_the_root_hash(
    entries: list[Entry], time: int, owner: int
) -> None:
    other = [
        found._replace(mtime_ns=time, uid=owner, gid=owner, xattrs=SHA, link_group=0) for found in entries
    ]
    assert manifest.root_hash(other) == manifest.root_hash(entries)
    assert manifest.root_hash([entries[0]._replace(mode=0), *entries[1:]]) == manifest.root_hash(entries)


def test_whatever_else_differs_is_in_the_root_hash() -> None:
    plain = [TOP, entry(b"a"), entry(b"b", SYMLINK, target=b"t")]
    others = [
        [TOP, *plain[2:]],
        [TOP, entry(b"A"), plain[2]],
        [TOP, entry(b"a", mode=0o600), plain[2]],
        [TOP, entry(b"a", size=2), plain[2]],
        [TOP, entry(b"a", sha256=SHA[::-1]), plain[2]],
        [TOP, entry(b"a", FIFO), plain[2]],
        [TOP, plain[1], entry(b"b", SYMLINK, target=b"T")],
        [TOP, plain[1], entry(b"bt", SYMLINK, target=b"")],
    ]
    assert len({manifest.root_hash(found) for found in [plain, *others]}) == 1 + len(others)


def test_only_regular_files_are_counted() -> None:
    found = [TOP, entry(b"a", size=3), entry(b"b", FOLDER), entry(b"c", FIFO), entry(b"d", size=4)]
    assert manifest.totals(found) == (2, 7)


@pytest.mark.parametrize("folder", [b"", b"tool"])
def test_a_manifest_with_a_repository_is_refused(tmp_path: Path, folder: bytes) -> None:
    control = folder + b"/.jvs" if folder else b".jvs"
    tree = [TOP, *([TOP._replace(path=folder)] if folder else [])]
    for entries in (
        [*tree, TOP._replace(path=control)],
        [
            *tree,
            TOP._replace(path=control),
            Entry(control + b"/repo_id", FILE, 0o644, 0, 0, 0, 0, sha256=SHA),
        ],
        [*tree, Entry(control + b"/repo_id", FILE, 0o644, 0, 0, 0, 0, sha256=SHA)],
    ):
        path = tmp_path / str(len(list(tmp_path.iterdir())))
        manifest.write(path, entries)
        with pytest.raises(DescriptorCorrupt, match="line"):
            manifest.read(path)


@pytest.mark.parametrize("kind", [FILE, SYMLINK, FIFO])
def test_what_is_only_called_like_a_repository_is_an_entry(tmp_path: Path, kind: str) -> None:
    entry = Entry(
        b".jvs",
        kind,
        0o644,
        0,
        0,
        0,
        0,
        b"x" if kind == SYMLINK else b"",
        sha256=SHA if kind == FILE else b"",
    )
    manifest.write(tmp_path / "manifest", [TOP, entry])
    assert manifest.read(tmp_path / "manifest") == [TOP, entry]


@pytest.mark.parametrize("read", [manifest.read, manifest.read_lines])
def test_a_manifest_that_the_disk_does_not_give_is_told_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any
) -> None:
    def fail(path: Path) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    written = manifest.write(tmp_path / "manifest", [TOP])
    monkeypatch.setattr("jvs_core.regular.open_regular", fail)

    with pytest.raises(EngineFailed, match="Input/output error") as caught:
        read(tmp_path / "manifest", sha256=written.sha256)

    assert caught.value.hint == "the device or the mount reports errors: see the system log"
