"""One file brought over: the digest is that of the target, whatever becomes of the source meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import Content, Method, State

LATER = 2**62


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(b"first")
    return tmp_path


@pytest.fixture
def bring(place: Path) -> Iterator[Callable[..., Content]]:
    """Return what brings ``source`` to a new ``target``; the scan saw the source as it is when it is called."""
    with ExitStack() as close:

        def work(method: Method, *, known: bytes = b"", now_ns: int = LATER) -> Content:
            source = os.open(place / "source", os.O_RDONLY)
            close.callback(os.close, source)
            target = os.open(place / "target", content.MAKE_FLAGS, 0o600)
            close.callback(os.close, target)
            st = os.fstat(source)
            return content.fill(
                source, st, target, _state(st), st.st_size, st.st_mtime_ns, method=method, known=known, now_ns=now_ns
            )  # fmt: skip

        yield work


def _state(st: os.stat_result) -> State:
    return st.st_dev, st.st_ino, st.st_ctime_ns


def _digest(path: Path) -> bytes:
    return sha256(path.read_bytes()).digest()


@pytest.mark.parametrize("method", ["reflink", "copy"])
@pytest.mark.parametrize("now_ns", [0, LATER], ids=["young", "old"])
def test_what_is_told_is_what_the_target_holds(
    place: Path, bring: Callable[..., Content], method: Method, now_ns: int
) -> None:
    brought = bring(method, now_ns=now_ns)
    assert (brought.sha256, brought.changed) == (_digest(place / "target"), False)
    assert (place / "target").read_bytes() == b"first"


@pytest.mark.parametrize("method", ["reflink", "copy"])
@pytest.mark.parametrize("now_ns", [0, LATER], ids=["young", "old"])
def test_a_source_that_changes_after_it_was_copied_is_told_and_the_target_is_hashed(
    place: Path, bring: Callable[..., Content], monkeypatch: pytest.MonkeyPatch, method: Method, now_ns: int
) -> None:
    name = "copy" if method == "copy" else "clone"
    real = getattr(content, name)

    def overtaken(*arguments: object) -> object:
        result = real(*arguments)
        (place / "source").write_bytes(b"other")
        return result

    monkeypatch.setattr(content, name, overtaken)
    brought = bring(method, now_ns=now_ns)
    assert (place / "target").read_bytes() == b"first"
    assert (brought.sha256, brought.changed) == (_digest(place / "target"), True)


def test_what_is_known_is_believed_of_an_old_file_only(place: Path, bring: Callable[..., Content]) -> None:
    assert bring("reflink", known=b"known").sha256 == b"known"
    (place / "target").unlink()
    assert bring("reflink", known=b"known", now_ns=0).sha256 == _digest(place / "target")


def test_each_part_of_a_state_counts_and_of_a_payload_only_what_lasts(place: Path) -> None:
    st = os.stat(place / "source")
    dev, ino, ctime_ns = _state(st)
    assert content.same(st, (dev, ino, ctime_ns), st.st_size, st.st_mtime_ns)
    for stamp, size, mtime_ns in (
        ((dev + 1, ino, ctime_ns), st.st_size, st.st_mtime_ns),
        ((dev, ino + 1, ctime_ns), st.st_size, st.st_mtime_ns),
        ((dev, ino, ctime_ns + 1), st.st_size, st.st_mtime_ns),
        ((dev, ino, ctime_ns), st.st_size + 1, st.st_mtime_ns),
        ((dev, ino, ctime_ns), st.st_size, st.st_mtime_ns + 1),
        ((dev, ino + 1, -1), st.st_size, st.st_mtime_ns),
        ((dev, ino, -1), st.st_size + 1, st.st_mtime_ns),
    ):
        assert not content.same(st, stamp, size, mtime_ns)
    assert content.same(st, (dev, ino, -1), st.st_size, 0)
