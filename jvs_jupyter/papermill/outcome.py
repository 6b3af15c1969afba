"""What became of a run, told from how it ended; never from the notebook's metadata, which papermill embellishes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, NamedTuple

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillException, PapermillExecutionError, strip_color

EXIT_STATUS = {
    "ok": 0,
    "cell_error": 10,
    "kernel_died": 11,
    "early_exit": 12,
    "lost": 13,
    "interrupted": 130,
    "terminated": 143,
}
_LONGEST_ERROR = 2_000
_MAGICS_OWN = "UsageError"
_TERMINATING = ("SIGTERM", "SIGHUP")

Ended = Literal["ok", "cell_error", "kernel_died", "early_exit", "interrupted", "terminated", "lost"]


class Terminated(SystemExit):
    """SIGTERM or SIGHUP arrived. A ``SystemExit``, because asyncio swallows other base exceptions in callbacks."""


class EarlyExit(PapermillException):  # type: ignore[misc]  # papermill ships no types
    """A cell left with ``sys.exit(0)``: the cells after it did not run."""


class Told(NamedTuple):
    """An outcome and, unless it is ``ok``, what went wrong in words."""

    outcome: Ended
    error: str | None


class Signals:
    """Signals that end a run, held back while nothing may be cut short; ``allowed()`` says when they may act."""

    def __init__(self) -> None:
        self._act = False
        self._pending: BaseException | None = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let the signals act in the block, also those that came before it."""
        self._act = True
        try:
            self.deliver()
            yield
        finally:
            self._act = False

    def deliver(self) -> None:
        """Raise what was held back."""
        pending, self._pending = self._pending, None
        if pending is not None:
            raise pending

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Raise for a signal, now or later. The first one counts: what follows it is the end of the run already."""
        error = KeyboardInterrupt() if number == signal.SIGINT else Terminated(128 + number)
        if self._act:
            self._act = False
            raise error
        self._pending = self._pending or error


@contextmanager
def handled() -> Iterator[Signals]:
    """Take over SIGINT, SIGTERM and SIGHUP for the block, in the main thread; signals that are ignored stay so."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    numbers = [signal.Signals[name] for name in (*_TERMINATING, "SIGINT")]
    heeded = [n for n in numbers if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    previous = {number: signal.signal(number, signals.handle) for number in heeded}
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def of_notebook(nb: Any) -> Told:
    """Return the outcome of a notebook whose cells raised nothing that papermill minds."""
    for index, cell in enumerate(nb.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error" and output.ename == "SystemExit":
                return Told("early_exit", f"cell {index}: SystemExit: the cells after it did not run")
    return Told("ok", None)


def of_exception(error: BaseException, *, kernel_up: bool) -> Told:
    """Return the outcome of a run that ``error`` ended; ``kernel_up`` says whether a cell had begun by then."""
    if isinstance(error, KeyboardInterrupt):
        return Told("interrupted", "interrupted (SIGINT)")
    if isinstance(error, Terminated):
        return Told("terminated", f"terminated (signal {int(error.code or 128) - 128})")
    if isinstance(error, PapermillExecutionError):
        return Told(
            "cell_error", _short(f"cell {error.cell_index}: {error.ename}: {error.evalue}".removesuffix(": "))
        )
    if isinstance(error, CellTimeoutError):
        return Told("cell_error", _short(f"CellTimeoutError: {error}"))
    if isinstance(error, DeadKernelError):
        return Told("kernel_died", named(error))
    return Told("lost" if kernel_up else "kernel_died", named(error))


def explain(error: PapermillExecutionError, nb: Any) -> None:
    """Let an error without a traceback, which is a magic's, say what its cell wrote to stderr: last, or as a ``UsageError``."""
    if error.traceback:
        return
    failed = [cell for cell in nb.cells if cell.metadata.get("papermill", {}).get("exception") is True]
    streams = [output for cell in failed for output in cell.outputs if output.get("name") == "stderr"]
    lines = strip_color("".join(stream.text for stream in streams)).strip().splitlines()
    if not lines:
        return
    line = next((line for line in reversed(lines) if line.startswith(f"{_MAGICS_OWN}: ")), lines[-1])
    said = line.removeprefix(f"{_MAGICS_OWN}: ")
    name = error.ename if said == line else _MAGICS_OWN
    PapermillExecutionError.__init__(
        error, error.cell_index, error.exec_count, error.source, name, said, [line]
    )


def not_kept(told: Told, what: str, error: BaseException) -> Told:
    """Return the outcome of a run whose result is not kept as it should be: ``ok`` it cannot be."""
    reason = f"{what}: {named(error)}"
    if told.error is None:
        return Told("lost", _short(reason))
    return Told(told.outcome, _short(f"{told.error}; and {reason}"))


def named(error: BaseException) -> str:
    """Return an error in words: its code, or its class where it has none, and what it says."""
    return _short(f"{getattr(error, 'code', None) or type(error).__name__}: {error}")


def _short(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 1] + "…"
