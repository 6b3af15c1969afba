"""Images, by pixels where Pillow is installed, else by their size."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.model import ImageDetail, ImageFacts, More
from jvs_core.differences.version import Version

if TYPE_CHECKING:
    from PIL.Image import Image

# None of these has a language of its own: EPS and the like would start an interpreter.
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "PPM")
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_MORE = More(extra="images", words="whether the pixels differ, and where")
_HEAD = 64_000
_OPENING = threading.Lock()  # the filters of warnings are the process's


def read(old: Version | None, new: Version | None, notes: Notes) -> ImageDetail:
    """Return how an image changed. Raises Unreadable for what is none."""
    one, other = (None if side is None else side.read(notes.bounds.image) for side in (old, new))
    return _compared(one, other, notes, notes.bounds.pixels)


def in_output(old: bytes | None, new: bytes | None, notes: Notes) -> ImageDetail | None:
    """Return how an image of an output changed; all of a notebook share one bound of pixels. None for what is no image."""
    try:
        found = _compared(old, new, notes, notes.pixels)
    except Unreadable:
        return None
    if found.pixels != "unknown":
        notes.pixels -= sum(facts.width * facts.height for facts in (found.old, found.new) if facts)
    return found


def _compared(old: bytes | None, new: bytes | None, notes: Notes, most: int) -> ImageDetail:
    sides = [None if data is None else (data, facts(data)) for data in (old, new)]
    shown = [None if side is None else side[1] for side in sides]
    if None in sides:
        return ImageDetail(old=shown[0], new=shown[1], pixels="differ")
    if find_spec("PIL") is None:
        notes.more = _MORE
        return ImageDetail(old=shown[0], new=shown[1], pixels="unknown")
    one, other = shown
    assert one is not None
    assert other is not None
    if (one.width, one.height) != (other.width, other.height):
        return ImageDetail(old=one, new=other, pixels="differ")
    if 2 * one.width * one.height > most:
        notes.stop(
            f"pixels are compared only in images of up to {notes.bounds.pixels:,} pixels, in outputs of notebooks up to {notes.bounds.pixels_in_outputs:,}"
        )
        return ImageDetail(old=one, new=other, pixels="unknown")
    return _by_pixels(one, other, old, new, notes)


def facts(data: bytes) -> ImageFacts:
    """Return what an image says of itself, without decoding it. Raises Unreadable for what is none."""
    if find_spec("PIL") is None:
        return _from_header(data[:_HEAD])
    with _opened(data) as image:
        return ImageFacts(
            format=(image.format or "").lower(), width=image.width, height=image.height, mode=image.mode
        )


def _opened(data: bytes) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # its own of too many pixels: ours are counted before they are decoded
            return Image.open(io.BytesIO(data), formats=_FORMATS)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise Unreadable(f"it is not an image: {str(error)[:200]}") from None


def _by_pixels(one: ImageFacts, other: ImageFacts, old: Any, new: Any, notes: Notes) -> ImageDetail:
    from PIL import Image, ImageChops

    with _opened(old) as first, _opened(new) as second:
        try:
            first.load()
            second.load()
            if first.mode in _DEEP or second.mode in _DEEP:
                same = first.mode == second.mode and first.tobytes() == second.tobytes()
                return ImageDetail(old=one, new=other, pixels="same" if same else "differ")
            difference = ImageChops.difference(first.convert("RGBA"), second.convert("RGBA"))
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
            struct.error,
            Image.DecompressionBombError,
        ) as error:
            notes.stop(f"the pixels cannot be read: {str(error)[:200]}")
            return ImageDetail(old=one, new=other, pixels="unknown")
    box = difference.getbbox(alpha_only=False)
    if box is None:
        return ImageDetail(old=one, new=other, pixels="same", share=0.0)
    bands = difference.split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    count = one.width * one.height
    return ImageDetail(
        old=one, new=other, pixels="differ", share=round((count - most.histogram()[0]) / count, 6), box=box
    )


def _from_header(head: bytes) -> ImageFacts:
    """Return the size that the commonest formats have in their first bytes. Raises Unreadable for others."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return _sized("png", ">II", head, 16)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return _sized("gif", "<HH", head, 6)
        if head.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", head, 18)
            return ImageFacts(format="bmp", width=abs(width), height=abs(height))
        if head.startswith(b"\xff\xd8"):
            return _jpeg(head)
    except (struct.error, IndexError):
        pass
    raise Unreadable("its size cannot be read without the extra images")


def _sized(name: str, form: str, head: bytes, at: int) -> ImageFacts:
    width, height = struct.unpack_from(form, head, at)
    return ImageFacts(format=name, width=width, height=height)


def _jpeg(head: bytes) -> ImageFacts:
    at = 2
    while head[at] == 0xFF:
        marker, length = head[at + 1], struct.unpack_from(">H", head, at + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return ImageFacts(format="jpeg", width=width, height=height)
        at += 2 + length
    raise IndexError
