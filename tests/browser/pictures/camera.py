"""Photographs of a page as small files: a palette, no more points than a reader's screen shows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

WIDTH, HEIGHT, SCALE = 1280, 800, 1.5
_COLOURS = 192
_CARD = (1200, 630)
_SETTLED_MS = 700


@dataclass
class Camera:
    """Takes pictures of one page into a folder."""

    page: Page
    folder: Path
    frames: list[tuple[Image.Image, int]] = field(default_factory=list)

    def take(self, name: str) -> None:
        """Write ``name.png``."""
        image = self._shot().quantize(_COLOURS, dither=Image.Dither.NONE)
        image.save(self.folder / f"{name}.png", optimize=True)

    def card(self, name: str) -> None:
        """Write the upper part as ``name.png``, in the size that chats show beside a link."""
        image = self._shot()
        width, height = _CARD
        upper = image.crop((0, 0, image.width, round(image.width * height / width)))
        upper.resize(_CARD, Image.Resampling.LANCZOS).quantize(_COLOURS, dither=Image.Dither.NONE).save(
            self.folder / f"{name}.png", optimize=True
        )

    def film(self, milliseconds: int) -> None:
        """Keep what is on the screen as the next frame, to be shown for so long."""
        self.frames.append((self._shot(), milliseconds))

    def develop(self, name: str, width: int) -> None:
        """Write the frames as ``name.gif``, and the last one as ``name-still.png``, so many points wide."""
        frames = [(_smaller(image, width), shown) for image, shown in self.frames]
        palette = _palette([image for image, _ in frames])
        drawn = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in frames]
        drawn[0].save(
            self.folder / f"{name}.gif",
            save_all=True,
            append_images=drawn[1:],
            duration=[shown for _, shown in frames],
            loop=0,
            optimize=True,
        )
        drawn[-1].save(self.folder / f"{name}-still.png", optimize=True)
        self.frames.clear()

    def _shot(self) -> Image.Image:
        self.page.wait_for_timeout(_SETTLED_MS)
        return Image.open(io.BytesIO(self.page.screenshot(caret="hide"))).convert("RGB")


def _smaller(image: Image.Image, width: int) -> Image.Image:
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def _palette(images: Sequence[Image.Image]) -> Image.Image:
    """Return one palette for all, so that what does not move does not flicker."""
    sheet = Image.new("RGB", (images[0].width, images[0].height * len(images)))
    for number, image in enumerate(images):
        sheet.paste(image, (0, number * images[0].height))
    return sheet.quantize(_COLOURS, dither=Image.Dither.NONE)
