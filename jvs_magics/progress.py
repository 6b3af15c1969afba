"""Progress of long work: a widget where widgets work, a line of text where they do not."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import Any

from jvs_core import Progress

_DELAY_S = 0.5
_EVERY_S = 0.1


def progress(shell: Any, finish: ExitStack) -> Progress:
    """Return a receiver that draws half a second after the first step; its end is registered on ``finish``."""
    if not hasattr(shell, "kernel"):
        from jvs_core.cli.progress import drawn

        return drawn(finish)
    drawing = _Drawing()
    finish.callback(drawing.close)
    return drawing


class _Drawing:
    """The running step. Everything is drawn by the thread that works, so that it lands in the right cell."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._drawn = 0.0
        self._steps: list[tuple[str, int | None]] = []
        self._done = 0
        self._bar: Any = None
        self._no_widgets = False

    def started(self, step: str, total: int | None = None) -> None:
        """Show the step."""
        self._steps.append((step, total))
        self._done = 0
        self._draw()

    def advanced(self, amount: int = 1) -> None:
        """Move the bar."""
        self._done += amount
        self._draw()

    def finished(self, step: str) -> None:
        """Take the step away."""
        while self._steps and self._steps.pop()[0] != step:
            pass

    def close(self) -> None:
        """Leave nothing behind."""
        if self._bar is not None:
            self._bar.close()
            self._bar.children[0].close()
            self._bar.children[1].close()

    def _draw(self) -> None:
        now = time.monotonic()
        if not self._steps or now - self._began < _DELAY_S or now - self._drawn < _EVERY_S:
            return
        self._drawn = now
        step, total = self._steps[-1]
        name = step.replace("_", " ")
        if self._bar is None and not self._no_widgets:
            self._bar = _widget()
            self._no_widgets = self._bar is None
            if self._no_widgets:
                sys.stderr.write(f"jvs: {name} …\n")
        if self._bar is not None:
            bar, label = self._bar.children
            bar.max, bar.value = (total, min(self._done, total)) if total else (1, 1)
            label.value = name


def _widget() -> Any:
    try:
        import ipywidgets as widgets
    except ImportError:
        return None
    from IPython.display import display

    box = widgets.HBox([widgets.IntProgress(min=0, max=1), widgets.Label()])
    display(box)
    return box
