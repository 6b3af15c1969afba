"""What somebody may put into files to make a comparison run something, take all memory, or never end."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from jvs_core.differences.bounds import Bounds
from jvs_core.differences.model import NotebookDetail, TextDetail
from tests.differences.inside import changed, detail
from tests.differences.limited import limited

pytestmark = pytest.mark.slow

MB = 1_000_000
LONGEST_ANSWER = 20 * MB


def both(folder: Path, old: bytes, new: bytes) -> tuple[Path, Path]:
    """Write two files."""
    paths = folder / "old", folder / "new"
    for path, data in zip(paths, (old, new), strict=True):
        path.write_bytes(data)
    return paths


def notebook(*outputs: dict[str, Any], source: str = "run()", cells: int = 1) -> bytes:
    """Return a notebook whose cells have these outputs."""
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "execution_count": 1,
        "outputs": list(outputs),
    }
    return json.dumps({"cells": [cell] * cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def stream(text: str) -> dict[str, Any]:
    """Return an output of text."""
    return {"output_type": "stream", "name": "stdout", "text": text}


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "a.parquet",
        "a.ipynb",
        "a.png",
        "a.npz",
        "a.npy",
        "a.zip",
        "a.tar",
        "a.tar.gz",
        "a.safetensors",
        "a.onnx",
        "a.pkl",
        "a.txt",
        "a.svg",
        "a.bin",
        "a.json",
    ],
)
def test_ten_gigabytes_of_nothing_are_not_read(tmp_path: Path, name: str) -> None:
    paths = both(tmp_path, b"", b"")
    for number, path in enumerate(paths):
        with path.open("r+b") as file:
            file.truncate(10_000_000_000 + number)
    found = limited(name, *paths)
    assert found["kind"] == "binary"
    assert found["memory"] < 300 * MB
    assert found["seconds"] < 5


def test_sixty_megabytes_of_output(tmp_path: Path) -> None:
    old, new = stream("loss 0.5\n" * 7_000_000), stream("loss 0.5\n" * 7_000_000 + "loss 0.4\n")
    found = limited("a.ipynb", *both(tmp_path, notebook(old), notebook(new)))
    assert (found["kind"], found["words"]) == ("notebook", "outputs of 1 cell")
    assert found["stopped"] == ["for outputs longer than 1 MB only the sizes are compared"]
    assert found["memory"] < 900 * MB


def test_sixty_megabytes_of_pictures(tmp_path: Path) -> None:
    picture = base64.b64encode(random.Random(1).randbytes(300_000)).decode()
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    old, new = (
        notebook(shown, cells=150),
        notebook({**shown, "data": {"image/png": picture[:-8] + "AAAAAAA="}}, cells=150),
    )
    assert len(old) > 60 * MB
    found = limited("a.ipynb", *both(tmp_path, old, new))
    assert (found["kind"], found["words"]) == ("notebook", "outputs of 150 cells")
    assert found["length"] < MB


@pytest.mark.parametrize(
    "content",
    [
        b'{"cells": ' + b"[" * 10_000_000,
        b'{"cells": [' + b"{}," * 5_000_000 + b"{}]}",
        b'{"a": ' * 200_000 + b"1" + b"}" * 200_000,
        b"[" + b"1," * 20_000_000 + b"1]",
        b'{"cells": [{"source": [' + b'"",' * 6_000_000 + b'""]}]}',
        b"[]",
        b'{"cells": 5, "worksheets": {}}',
        b'{"cells": [1, null, [], {"source": 5, "outputs": {"a": 1}, "metadata": [], "cell_type": []}], "nbformat": "x"}',
        b'{"worksheets": [1, {"cells": [{"cell_type": "heading", "level": "x", "source": null, "outputs": [3]}]}]}',
        b'{"nbformat": 4, "cells": [',
        b"\xff\xfe\x00",
        b"",
    ],
    ids=[
        "deep",
        "many",
        "nested",
        "numbers",
        "lines",
        "list",
        "wrong",
        "odd",
        "old",
        "cut",
        "binary",
        "empty",
    ],
)
def test_json_that_is_no_notebook(tmp_path: Path, content: bytes) -> None:
    found = limited("a.ipynb", *both(tmp_path, notebook(stream("x")), content))
    assert found["kind"] is not None
    assert found["memory"] < 1_500 * MB
    assert found["length"] < LONGEST_ANSWER


def test_half_of_a_surrogate_pair_is_shown(tmp_path: Path) -> None:
    found = changed(
        "a.ipynb", notebook(stream("x"), source="a = 1"), notebook(stream("\ud800"), source="a = \udfff")
    )
    assert detail(found, NotebookDetail).counts.edited == 1
    json.dumps(found.to_json()).encode()


def test_more_cells_than_are_compared_are_text() -> None:
    many = notebook(stream("x"), cells=50)
    found = changed("a.ipynb", notebook(), many, bounds=Bounds(cells=20))
    assert isinstance(found.detail, TextDetail)
    assert found.stopped[0] == "it has 50 cells; JVS compares at most 20"


def test_cells_made_to_align_badly() -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {}, "source": "x" if number % 2 else "y", "outputs": []}
        for number in range(4_000)
    ]
    other = [{**cell, "source": f"{cell['source']} {number % 7}"} for number, cell in enumerate(cells)]
    old, new = (
        json.dumps({"cells": each, "nbformat": 4, "nbformat_minor": 0}).encode() for each in (cells, other)
    )
    found = detail(changed("a.ipynb", old, new), NotebookDetail)
    assert (found.old_cells, found.new_cells) == (4_000, 4_000)


def png_bomb(side: int) -> bytes:
    """Return a picture that is small and unpacks to ``side`` times ``side`` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(side // 8 + 1)) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gzip_bomb() -> bytes:
    """Return 600 MB of zeros, packed."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9) as packed:
        for _ in range(60):
            packed.write(bytes(10 * MB))
    return file.getvalue()


def zip_bomb() -> bytes:
    """Return an npz file whose one array says that its header is endless."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFFF) + bytes(50 * MB))
    return file.getvalue()


def tar_bomb() -> bytes:
    """Return a packed tar file whose first name is longer than memory."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 4_000_000_000
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb") as packed:
        packed.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(60):
            packed.write(b"a" * 5 * MB)
    return file.getvalue()


def test_bombs(tmp_path: Path) -> None:
    packed = gzip_bomb()
    bombs = {
        "a.png": png_bomb(12_000), "a.tar.gz": packed, "a.pkl": packed, "a.joblib": packed, "a.npz": zip_bomb(),
        "b.tar.gz": tar_bomb(), "a.zip": zip_bomb(),
    }  # fmt: skip
    for name, bomb in bombs.items():
        found = limited(name, *both(tmp_path, bomb, bomb[:-9] + bytes(9)))
        assert found["kind"] is not None, name
        assert found["memory"] < 1_000 * MB, (name, found)
        assert found["length"] < MB, (name, found)


def test_a_picture_in_an_output_that_is_a_bomb(tmp_path: Path) -> None:
    data = [base64.b64encode(png_bomb(side)).decode() for side in (12_000, 12_008)]
    shown = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": each}} for each in data]
    found = limited("a.ipynb", *both(tmp_path, notebook(shown[0]), notebook(shown[1])))
    assert (found["kind"], found["words"]) == ("notebook", "outputs of 1 cell")
    assert found["memory"] < 400 * MB


def test_parquet_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    pa: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")

    def bomb(text: str) -> bytes:
        file = io.BytesIO()
        column = pa.chunked_array([pa.array([text * 50 * MB])] * 8)
        parquet.write_table(pa.table({"a": column}), file, compression="zstd", use_dictionary=False)
        return file.getvalue()

    old, new = bomb("a"), bomb("b")
    assert len(old) < MB
    found = limited("a.parquet", *both(tmp_path, old, new))
    assert found["kind"] in ("table", "binary")
    assert found["memory"] < 400 * MB
    assert found["length"] < MB


def test_nothing_in_a_notebook_is_run_or_believed() -> None:
    evil = {
        "output_type": "display_data",
        "metadata": {},
        "data": {
            "text/html": "<script>alert(1)</script>",
            "application/javascript": "alert(2)",
            "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
            "image/svg+xml": "<svg onload='alert(3)'/>",
        },
    }
    found = changed("a.ipynb", notebook(), notebook(evil))
    (output,) = [output for cell in detail(found, NotebookDetail).cells for output in cell.outputs]
    assert {mime.mime for mime in output.mimes} == {"text/html", "application/javascript", "image/svg+xml"}
    trusted = json.loads(notebook())
    trusted["metadata"]["trusted"] = trusted["cells"][0]["metadata"]["trusted"] = True
    assert changed("a.ipynb", notebook(), json.dumps(trusted)).words == "nothing but counts and ids"


@pytest.mark.parametrize(
    "ending",
    [
        "ipynb",
        "csv",
        "png",
        "npz",
        "npy",
        "zip",
        "tar",
        "tar.gz",
        "safetensors",
        "onnx",
        "pkl",
        "joblib",
        "txt",
        "json",
        "parquet",
    ],
)
def test_bytes_by_chance_are_answered(ending: str) -> None:
    generator = random.Random(ending)
    starts = (
        b"",
        b"PK\3\4",
        b"\x89PNG\r\n\x1a\n",
        b"\x93NUMPY\1\0",
        b"\x80\4",
        b"{",
        b"\x1f\x8b\x08",
        b"a,b\n",
    )
    for start in starts:
        for size in (0, 3, 50, 3_000):
            found = changed(
                f"a.{ending}", start + generator.randbytes(size), start + generator.randbytes(size) + b"x"
            )
            assert found.detail is not None
            json.dumps(found.to_json())
