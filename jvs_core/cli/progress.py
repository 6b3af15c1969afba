"""Progress on the terminal: a line on stderr, drawn by rich once the work has taken half a second."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jvs_core.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID

_DELAY_S = 0.5


def drawn(finish: ExitStack) -> Progress:
    """Return a receiver that draws, its end registered on ``finish``; a silent one unless stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return SILENT
    drawing = Drawing()
    finish.callback(drawing.close)
    return drawing


@dataclass
class _Step:
    name: str
    total: int | None
    done: int = 0
    since: float = field(default_factory=time.monotonic)

    def rate(self) -> str:
        """Return how much is done in a second, on average, in words."""
        return f"{self.done / max(time.monotonic() - self.since, 0.001):,.0f}/s" if self.done else ""


class Drawing:
    """The innermost running step, shown from half a second after the first one began. Rich is imported only then."""

    def __init__(self, delay_s: float = _DELAY_S) -> None:
        self._mutex = threading.RLock()
        self._timer = threading.Timer(delay_s, self._draw)
        self._timer.daemon = True
        self._began = False
        self._closed = False
        self._steps: list[_Step] = []
        self._display: Display | None = None
        self._task: TaskID | None = None

    def started(self, step: str, total: int | None = None) -> None:
        """Show the step."""
        with self._mutex:
            if not self._began:
                self._began = True
                self._timer.start()
            self._steps.append(_Step(step, total))
            self._show_step()

    def advanced(self, amount: int = 1) -> None:
        """Move the step's bar."""
        with self._mutex:
            if self._steps:
                self._steps[-1].done += amount
                if self._display is not None and self._task is not None:
                    self._display.update(
                        self._task, completed=self._steps[-1].done, rate=self._steps[-1].rate()
                    )

    def finished(self, step: str) -> None:
        """Take the step away."""
        with self._mutex:
            while self._steps and self._steps.pop().name != step:
                pass
            self._show_step()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._timer.cancel()
        with self._mutex:
            self._closed = True
            if self._display is not None:
                self._display.stop()

    def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Display

        with self._mutex:
            if self._closed:
                return
            self._display = Display(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}", markup=False),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._display.start()
            self._show_step()

    def _show_step(self) -> None:
        if self._display is None or not self._steps:
            return
        step = self._steps[-1]
        if self._task is not None:
            self._display.remove_task(self._task)
        self._task = self._display.add_task(
            step.name.replace("_", " "), total=step.total, completed=step.done, rate=step.rate()
        )
