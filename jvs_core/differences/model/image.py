"""Images, by pixels."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences.model.part import Part


class ImageFacts(Part):
    """What an image says of itself: ``format`` in lower case (png, jpeg …), width and height in pixels, its colour mode."""

    format: str
    width: int
    height: int
    mode: str = ""


class ImageDetail(Part):
    """How an image changed. ``unknown`` pixels were not compared; ``share`` of them differ (0 to 1), inside ``box``.

    ``box`` is left, top, right, bottom in pixels, the last two exclusive; both are None unless the sizes are equal.
    """

    kind: Literal["image"] = "image"
    old: ImageFacts | None
    new: ImageFacts | None
    pixels: Literal["same", "differ", "unknown"]
    share: float | None = None
    box: tuple[int, int, int, int] | None = None
