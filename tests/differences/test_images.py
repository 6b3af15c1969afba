"""Images by pixels, with Pillow and without."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from jvs_core.differences.bounds import Bounds
from jvs_core.differences.model import BinaryDetail, ImageDetail, NotebookDetail
from jvs_core.differences.readers import image as reader
from tests.differences.inside import changed, detail

Image: Any = pytest.importorskip("PIL.Image")
FORMATS = {
    "png": "PNG",
    "gif": "GIF",
    "bmp": "BMP",
    "tiff": "TIFF",
    "ico": "ICO",
    "ppm": "PPM",
    "webp": "WEBP",
    "jpg": "JPEG",
}


def drawn(form: str = "PNG", *, at: int | None = None, size: tuple[int, int] = (64, 48), **how: Any) -> bytes:
    """Return a white image, with a red square of ten pixels at ``at``."""
    made = Image.new("RGB", size, "white")
    if at is not None:
        made.paste("red", (at, at, at + 10, at + 10))
    file = io.BytesIO()
    made.save(file, form, **how)
    return file.getvalue()


@pytest.mark.parametrize("ending", FORMATS)
def test_each_format_by_its_pixels(ending: str) -> None:
    form = FORMATS[ending]
    found = changed(f"a.{ending}", drawn(form), drawn(form, at=16))
    shown = detail(found, ImageDetail)
    assert (found.kind, found.group, shown.pixels) == ("image", "figures", "differ")
    assert shown.box is not None
    if form not in ("JPEG", "WEBP", "ICO"):
        assert shown.box == (16, 16, 26, 26)
        assert shown.share == pytest.approx(100 / (64 * 48), abs=1e-6)
        assert found.words == "3 % of the pixels"


def test_other_bytes_with_the_same_pixels() -> None:
    found = changed("a.png", drawn(compress_level=1), drawn(compress_level=9, dpi=(100, 100)))
    assert detail(found, ImageDetail).pixels == "same"
    assert found.words == "same pixels"


def test_another_size() -> None:
    found = changed("a.png", drawn(), drawn(size=(32, 48)))
    assert found.words == "64×48 → 32×48"
    assert detail(found, ImageDetail).share is None


def test_sixteen_bits_and_transparency() -> None:
    def deep(value: int) -> bytes:
        file = io.BytesIO()
        Image.new("I;16", (4, 4), value).save(file, "PNG")
        return file.getvalue()

    assert detail(changed("a.png", deep(1000), deep(1001)), ImageDetail).pixels == "differ"

    def clear(alpha: int) -> bytes:
        file = io.BytesIO()
        Image.new("RGBA", (4, 4), (0, 0, 0, alpha)).save(file, "PNG")
        return file.getvalue()

    assert detail(changed("a.png", clear(10), clear(11)), ImageDetail).share == 1.0


def test_more_pixels_than_the_bound_are_not_decoded() -> None:
    found = changed("a.png", drawn(), drawn(at=1), bounds=Bounds(pixels=1000))
    assert detail(found, ImageDetail).pixels == "unknown"
    assert found.stopped[0].startswith("pixels are compared only in images of up to 1,000")


def test_damaged_images_say_so() -> None:
    whole = drawn(at=3)
    found = changed("a.png", whole, whole[:-30])
    assert detail(found, ImageDetail).pixels == "unknown"
    assert found.stopped[0].startswith("the pixels cannot be read")
    assert isinstance(changed("a.png", whole, b"\0no image").detail, BinaryDetail)


def test_what_would_start_an_interpreter_is_not_opened() -> None:
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(touched) (w) file\n"
    found = changed("a.png", script, script + b"x")
    assert not isinstance(found.detail, ImageDetail)


@pytest.mark.parametrize("ending", ["png", "gif", "bmp", "jpg"])
def test_without_pillow_the_size_is_read_and_the_extra_named(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "find_spec", lambda name: None)
    found = changed(f"a.{ending}", drawn(FORMATS[ending]), drawn(FORMATS[ending], size=(9, 7)))
    shown = detail(found, ImageDetail)
    assert shown.old is not None
    assert shown.new is not None
    assert ((shown.old.width, shown.old.height), (shown.new.width, shown.new.height)) == ((64, 48), (9, 7))
    assert shown.pixels == "unknown"
    assert found.more is not None
    assert found.more.extra == "images"


def test_pictures_of_outputs_share_one_bound() -> None:
    def notebook(at: int) -> str:
        data = base64.b64encode(drawn(at=at)).decode()
        output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": data}}
        cells = [
            {"cell_type": "code", "metadata": {}, "source": f"plot({number})", "outputs": [output]}
            for number in range(4)
        ]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})

    found = changed("a.ipynb", notebook(1), notebook(9), bounds=Bounds(pixels_in_outputs=4 * 64 * 48))
    pixels = [
        mime.image.pixels
        for cell in detail(found, NotebookDetail).cells
        for output in cell.outputs
        for mime in output.mimes
        if mime.image is not None
    ]
    assert pixels == ["differ", "differ", "unknown", "unknown"]
    assert found.words == "outputs of 4 cells"
