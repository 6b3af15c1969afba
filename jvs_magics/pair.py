"""``%%jvs NOTE``: a snapshot before a cell and one after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jvs_core.cli.outcome import Outcome
from jvs_magics import html
from jvs_magics.answers import Answer
from jvs_magics.call import refuse, run
from jvs_magics.kernel import Kernel
from jvs_magics.words import Filled

_OPTION = re.compile(r"--?[A-Za-z]")


class CellSnapshots(Answer):
    """The snapshots around one cell: ``before`` and ``after`` are their descriptors; ``failed`` says how it ended."""

    def _html(self) -> str:
        value = self._value
        state = html.span("bad", "the cell failed") if value["failed"] else ""
        return html.line(
            "Snapshots", html.code(value["before"].snapshot_id), "before and",
            html.code(value["after"].snapshot_id), "after cell", html.text(value["execution_count"]), state,
        )  # fmt: skip


def around(magics: Kernel, args: Sequence[str], cell: str) -> CellSnapshots:
    """Take a snapshot, run ``cell``, take another one, and show the cell's own traceback if it failed.

    Both carry the tag ``cell-N``; the second names the first in the tag ``after-ID``, and ``failed`` where it did.
    Raises JvsError from the snapshots, and what the cell raised.
    """
    shell: Any = magics.host
    if shell.should_run_async(cell, transformed_cell=shell.transform_cell(cell)):
        raise refuse(
            "a cell with await at its top level cannot use %%jvs: use %jvs snapshot before and after it"
        )
    if "--if-changed" in args:
        raise refuse("%%jvs always takes both snapshots: leave out --if-changed")
    count = magics.count()
    words = _note_first(args)
    before, _ = run(
        magics, ["snapshot", *words, "--tag", f"cell-{count}", "--tag", "before"], without_running=True
    )
    error = _run_cell(magics, cell)
    tags = [f"cell-{count}", "after", f"after-{before.value.snapshot_id}", *(["failed"] if error else [])]
    magics.cells.ended(count, error)
    after, _ = run(magics, ["snapshot", *words, *(part for tag in tags for part in ("--tag", tag))])
    value = {
        "before": before.value,
        "after": after.value,
        "execution_count": count,
        "failed": error is not None,
    }
    text = f"Snapshots {before.value.snapshot_id} before and {after.value.snapshot_id} after cell {count}" + (
        ": the cell failed" if error else ""
    )
    answer = CellSnapshots(Outcome(value, [text], warnings=after.warnings))
    if error is not None:
        magics.show(answer)
        raise error
    return answer


def _note_first(args: Sequence[str]) -> list[str]:
    """Join the words in front of the first option, so that a note needs no quotes; a minus or a number is no option."""
    end = next((position for position, word in enumerate(args) if _is_option(word)), len(args))
    return [*([Filled(" ".join(args[:end]))] if end else []), *args[end:]]


def _is_option(word: str) -> bool:
    return not isinstance(word, Filled) and _OPTION.match(word) is not None


def _run_cell(magics: Kernel, cell: str) -> BaseException | None:
    """Run a cell as the shell does, its output as usual; return what it raised, its traceback ready to be shown."""
    shell: Any = magics.host
    rendered: list[list[str]] = []

    def hold_back(_kind: Any, _error: Any, traceback: list[str]) -> None:
        rendered.append(traceback)

    show = shell._showtraceback
    shell._showtraceback = hold_back
    magics.nested = True
    try:
        result = shell.run_cell(cell, store_history=False)
    finally:
        magics.nested = False
        shell._showtraceback = show
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    if error is not None and rendered:
        traceback = rendered[-1]
        # The shell asks an exception for its own rendering: the frames of the magic itself help nobody.
        error._render_traceback_ = lambda: traceback  # type: ignore[attr-defined]
    return error
