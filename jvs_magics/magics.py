"""The magics, and the state of one kernel behind them."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Bool, Float, Unicode

from jvs_core import Descriptor, JvsError
from jvs_magics.auto import Auto
from jvs_magics.cells import ExecutedCells
from jvs_magics.locks import KeptLocks
from jvs_magics.speech import say, usage_error
from jvs_magics.views import OpenViews
from jvs_magics.words import note_words, words

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jvs_core.cli.outcome import Outcome
    from jvs_magics.call import KernelCall

_LIMITS = (
    "this snapshot has only files on disk: save your notebook first; it does not have the kernel's memory"
)
_INTERRUPTED = "interrupted; nothing is half done"


@magics_class
class JvsMagics(Magics):
    """``%jvs`` and ``%%jvs``. Options: ``%config JvsMagics``."""

    keep_cells = Bool(
        True,
        help="Keep the executed cells with a snapshot, except those that begin with '# jvs: private'.",
    ).tag(config=True)
    repo = Unicode("", help="The repository to work on; empty: the one around the current directory.").tag(
        config=True
    )
    worktree = Unicode("", help="The worktree to work on; empty: the one of the current directory.").tag(
        config=True
    )
    wait_s = Float(10.0, min=0.0, help="How many seconds to wait for another holder of the lock.").tag(
        config=True
    )

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.host: Any = shell
        self.cells = ExecutedCells()
        self.locks = KeptLocks()
        self.views = OpenViews()
        self.auto = Auto(self)
        self.nested = False
        self._told_limits = False

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def jvs(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Version the workspace: ``%jvs COMMAND …`` as on the command line, ``%%jvs NOTE`` around a cell.

        ``%jvs --help`` lists the commands, ``%jvs COMMAND --help`` explains one. ``$name`` and ``{expression}`` stand for
        values, whatever these hold.
        """
        from IPython.core.error import UsageError

        try:
            names = {**self.host.user_ns, **(local_ns or {})}
            args = words(line, names) if cell is None else note_words(line, names)
        except ValueError as error:
            raise UsageError(f"E_USAGE: JVS cannot read the line: {error}") from None
        try:
            if cell is not None:
                from jvs_magics.pair import around

                return around(self, args, cell)
            return self._line(args)
        except JvsError as error:
            raise usage_error(error) from None
        except KeyboardInterrupt as stopped:
            if hasattr(stopped, "_render_traceback_"):  # the cell under %%jvs, not a snapshot around it
                raise
            raise UsageError(_INTERRUPTED) from None

    def count(self) -> int:
        """Return the execution count of the cell that runs; the shell's own has moved on already in some versions."""
        history = self.host.history_manager
        return len(history.input_hist_raw) - 1 if history is not None else self.host.execution_count

    def show(self, answer: Any) -> None:
        """Display an answer that is not the value of the cell."""
        from IPython.display import display

        display(answer)

    def _line(self, args: list[str]) -> Any:
        from jvs_magics.call import run
        from jvs_magics.kinds import answer

        if args in ([], ["--help"], ["-h"]):
            args = ["--help"]
        outcome, call = run(self, args)
        if call.json:
            return outcome.to_json()
        if type(outcome.value).__name__ == "Browser":
            return outcome.value.show()
        notes = self._notes(call, outcome) if call.command == "snapshot" else ()
        return answer(call.command, outcome, coloured=self._is_terminal(), notes=notes)

    def _notes(self, call: KernelCall, outcome: Outcome) -> list[str]:
        """Return what a person should know about a snapshot: that nothing changed; once, what it does not hold."""
        made = outcome.value
        if not isinstance(made, Descriptor):  # none was made
            return []
        notes = []
        parent = made.parent_snapshot_id
        if parent is not None:
            before = call.repository().show(parent).descriptor
            if before.payload_root_hash == made.payload_root_hash:
                notes.append(f"no file changed since snapshot {parent}")
        if hasattr(self.host, "kernel") and not self._told_limits:
            self._told_limits = True
            notes.append(_LIMITS)
        return notes

    def _is_terminal(self) -> bool:
        return not hasattr(self.host, "kernel") and sys.stdout.isatty()

    def began(self, info: Any) -> None:
        """Note a cell that begins."""
        if self.keep_cells and info.store_history and not info.silent and not self.nested:
            self.cells.began(info.raw_cell)

    def ended(self, result: Any) -> None:
        """Note a cell that ended, and take the snapshot after it if ``auto`` is on."""
        if self.nested or not result.info.store_history or result.info.silent:
            return
        count = result.execution_count
        self.cells.ended(count, result.error_before_exec or result.error_in_exec)
        try:
            self.auto.after_cell(count)
        except KeyboardInterrupt:
            say(_INTERRUPTED)


_LOADED: dict[int, JvsMagics] = {}


def load(shell: InteractiveShell) -> None:
    """Register the magics with a shell; loading twice changes nothing."""
    if id(shell) in _LOADED:
        return
    from jvs_magics.completion import complete_line

    magics = JvsMagics(shell)
    _LOADED[id(shell)] = magics
    shell.register_magics(magics)
    configurables: list[Any] = shell.configurables
    configurables.append(magics)
    shell.events.register("pre_run_cell", magics.began)
    shell.events.register("post_run_cell", magics.ended)
    shell.Completer.custom_matchers.append(complete_line(magics))
    _show_html(shell)
    atexit.register(magics.locks.release_all)
    atexit.register(magics.views.close_all)


def unload(shell: InteractiveShell) -> None:
    """Give kept locks back, close open views, and take the magics out of the shell."""
    magics = _LOADED.pop(id(shell), None)
    if magics is None:
        return
    magics.locks.release_all()
    magics.views.close_all()
    atexit.unregister(magics.locks.release_all)
    atexit.unregister(magics.views.close_all)
    shell.events.unregister("pre_run_cell", magics.began)
    shell.events.unregister("post_run_cell", magics.ended)
    configurables: list[Any] = shell.configurables
    configurables.remove(magics)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [found for found in matchers if getattr(found, "jvs_magics", None) is not magics]
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("jvs", None)


def _show_html(shell: InteractiveShell) -> None:
    formatter = shell.display_formatter
    if formatter is not None:
        formatter.mimebundle_formatter.for_type_by_name(
            "jvs_magics.answers", "Answer", lambda answer, **_chosen: _shown(answer)
        )


def _shown(answer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    from jvs_magics.answers import shown

    return shown(answer)
