"""Arrays and models by their headers, and archives by listing."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import pytest

from jvs_core.differences.bounds import Bounds
from jvs_core.differences.model import ArchiveDetail, BinaryDetail, ModelDetail
from tests.differences.inside import changed, detail

np: Any = pytest.importorskip("numpy")


def npz(**arrays: Any) -> bytes:
    """Return arrays as an npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(array: Any) -> bytes:
    """Return an array as an npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]], metadata: dict[str, str]) -> bytes:
    """Return tensors (dtype, shape, values) as a safetensors file."""
    header: dict[str, Any] = {"__metadata__": metadata}
    values = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(values), len(values) + len(data)],
        }
        values += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


def field(number: int, value: int | bytes) -> bytes:
    """Return one field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Return a number as a protocol buffer has it."""
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def onnx(*operators: str, opset: int = 17, weight: bytes = bytes(8)) -> bytes:
    """Return a model of these operators with one initializer."""
    nodes = b"".join(field(1, field(4, name.encode())) for name in operators)
    tensor = field(1, 2) + field(2, 1) + field(8, b"w") + field(9, weight)
    graph = nodes + field(2, b"g") + field(5, tensor) + field(11, field(1, b"x")) + field(12, field(1, b"y"))
    return field(1, 8) + field(2, b"pytorch") + field(8, field(1, b"") + field(2, opset)) + field(7, graph)


def tensors(found: ModelDetail) -> dict[str, str]:
    """Return what became of each array that differs."""
    return {tensor.name: tensor.change for tensor in found.tensors}


def test_npz_by_names_shapes_and_values() -> None:
    old = npz(same=np.ones(3), other=np.arange(4), gone=np.zeros(2), grown=np.zeros((2, 2)))
    new = npz(same=np.ones(3), other=np.arange(4) * 2, came=np.zeros(2), grown=np.zeros((2, 3)))
    shown = detail(changed("a.npz", old, new), ModelDetail)
    assert tensors(shown) == {"other": "values", "gone": "removed", "came": "added", "grown": "shape"}
    assert (shown.old_tensors, shown.new_tensors, shown.values_compared) == (4, 4, True)
    grown = next(tensor for tensor in shown.tensors if tensor.name == "grown")
    assert grown.new is not None
    assert (grown.new.dtype, grown.new.shape, grown.new.bytes) == ("<f8", [2, 3], 48)


def test_npy() -> None:
    assert tensors(detail(changed("a.npy", npy(np.arange(3)), npy(np.arange(3) + 1)), ModelDetail)) == {
        "array": "values"
    }
    shape = detail(changed("a.npy", npy(np.arange(3)), npy(np.arange(4.0))), ModelDetail)
    assert tensors(shape) == {"array": "shape"}


def test_arrays_of_objects_are_not_unpickled() -> None:
    evil = np.array([Trap()], dtype=object)
    shown = detail(changed("a.npy", npy(evil), npy(np.arange(2))), ModelDetail)
    assert tensors(shown) == {"array": "shape"}


def test_safetensors() -> None:
    old = safetensors({"a": ("F32", [2], bytes(8)), "b": ("F32", [1], bytes(4))}, {"epoch": "1"})
    new = safetensors(
        {"a": ("F32", [2], b"12345678"), "b": ("F32", [1], bytes(4)), "c": ("I8", [1], b"1")}, {"epoch": "2"}
    )
    shown = detail(changed("a.safetensors", old, new), ModelDetail)
    assert tensors(shown) == {"a": "values", "c": "added"}
    assert [(fact.name, fact.old, fact.new) for fact in shown.facts] == [("epoch", "1", "2")]
    few = changed("a.safetensors", old, new, bounds=Bounds(values=10))
    assert not detail(few, ModelDetail).values_compared
    assert few.stopped


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"a": {"dtype": 1, "shape": "x", "data_offsets": [-5, 9e9]}}',
        b'{"a": []}',
    ],
)
def test_headers_that_are_none(header: bytes) -> None:
    broken = struct.pack("<Q", len(header)) + header
    sound = safetensors({"a": ("F32", [2], bytes(8))}, {})
    assert changed("a.safetensors", sound, broken).detail is not None
    assert changed("a.safetensors", sound, struct.pack("<Q", 1 << 62) + b"{}").detail is not None


def test_onnx() -> None:
    old, new = onnx("Conv", "Relu"), onnx("Conv", "Relu", "Relu", opset=18, weight=b"12345678")
    shown = detail(changed("a.onnx", old, new), ModelDetail)
    assert tensors(shown) == {"w": "values"}
    assert {fact.name: (fact.old, fact.new) for fact in shown.facts} == {
        "nodes": ("2", "3"), "operator Relu": ("1", "2"), "opset": ("17", "18"),
    }  # fmt: skip
    assert isinstance(changed("a.onnx", old, b"\0no model").detail, BinaryDetail)
    assert isinstance(changed("a.onnx", old, old[:-3]).detail, BinaryDetail)


class Trap:
    """Something that leaves a trace where it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch /nonexistent/trap",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_read_and_never_loaded(protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, trap = pickle.dumps({"rate": Path("x")}, protocol), pickle.dumps(Trap(), protocol)

    def loaded(*_: object) -> None:
        raise AssertionError("it was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, loaded)
    monkeypatch.setattr(os, "system", loaded)
    shown = detail(changed("model.pkl", plain, trap), ModelDetail)
    assert (shown.format, shown.values_compared) == ("pickle", False)
    names = {fact.name for fact in shown.facts if fact.old is None}
    assert any("system" in name for name in names), names


def test_joblib_packed_and_not() -> None:
    joblib: Any = pytest.importorskip("joblib")
    linear: Any = pytest.importorskip("sklearn.linear_model")

    def dumped(model: Any, compress: Any = 0) -> bytes:
        file = io.BytesIO()
        joblib.dump(model, file, compress=compress)
        return file.getvalue()

    one = linear.LinearRegression().fit([[0], [1]], [0, 1])
    other = linear.Ridge().fit([[0], [1]], [0, 1])
    for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3)):
        shown = detail(changed("m.joblib", dumped(one, compress), dumped(other, compress)), ModelDetail)
        said = {fact.name: (fact.old, fact.new) for fact in shown.facts}
        assert said["object"] == (
            "sklearn.linear_model._base.LinearRegression",
            "sklearn.linear_model._ridge.Ridge",
        )


def zipped(**members: bytes) -> bytes:
    """Return members as a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


TarMode = Literal["w", "w:gz", "w:bz2", "w:xz"]


def tarred(mode: TarMode, **members: bytes) -> bytes:
    """Return members as a tar file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def members(found: ArchiveDetail) -> dict[str, str]:
    """Return what became of each member that differs."""
    return {member.path: member.change for member in found.members}


@pytest.mark.parametrize("name", ["a.zip", "a.whl", "a.keras", "a.pt", "a.xlsx"])
def test_zip_by_its_listing(name: str) -> None:
    found = changed(name, zipped(a=b"1", b=b"2", c=b"3"), zipped(a=b"1", b=b"x", d=b"4"))
    shown = detail(found, ArchiveDetail)
    assert members(shown) == {"b": "changed", "c": "removed", "d": "added"}
    assert (shown.old_members, shown.new_members, shown.contents_compared) == (3, 3, True)
    assert found.words == "+1 −1 members, 1 member changed"


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar.xz", "w:xz")],
)
def test_tar_by_its_listing(name: str, mode: TarMode) -> None:
    found = changed(name, tarred(mode, a=b"1", b=b"2"), tarred(mode, a=b"1", b=b"22", c=b"3"))
    shown = detail(found, ArchiveDetail)
    assert members(shown) == {"b": "changed", "c": "added"}
    assert not shown.contents_compared


@pytest.mark.parametrize(
    "name", ["a.zip", "a.tar", "a.tar.gz", "a.npz", "a.pkl", "a.joblib", "a.safetensors"]
)
@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"PK\3\4" + bytes(100), gzip.compress(b"no tar", mtime=0), b"\x80\4\x95" + bytes(5)],
    ids=["empty", "nul", "zip", "gzip", "pickle"],
)
def test_damaged_ones_are_size_and_digest_at_least(name: str, content: bytes) -> None:
    found = changed(name, content, b"\0 other bytes")
    assert found.detail is not None
    assert found.old is not None
    assert found.old.size == len(content)
