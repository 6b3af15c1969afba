"""The one seam through which long work reports its steps."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receiver of an operation's named steps.

    Calls arrive from the thread that runs the operation, in order: ``started(step)``, any number of
    ``advanced(n)``, ``finished(step)``. A step that fails has no ``finished``. An exception raised by a receiver
    aborts the operation at that point, as any other failure there would; that is how cancelling works.
    """

    def started(self, step: str, total: int | None = None) -> None:
        """A step begins; ``total`` is its size in the step's own unit (entries or bytes), where it is known."""

    def advanced(self, amount: int = 1) -> None:
        """The running step moved on by ``amount`` units."""

    def finished(self, step: str) -> None:
        """The step is complete and, where the step says so, durable."""


class Silent:
    """The receiver that ignores everything; the default of every operation."""

    def started(self, step: str, total: int | None = None) -> None:
        """Ignore the step."""

    def advanced(self, amount: int = 1) -> None:
        """Ignore the advance."""

    def finished(self, step: str) -> None:
        """Ignore the end of the step."""


SILENT = Silent()
