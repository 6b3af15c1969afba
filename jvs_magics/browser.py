"""``%jvs browse``: the snapshots of a worktree as widgets; every action is also a magic.

Tab goes through the controls in reading order: filter, timeline, files, actions. While something runs all controls are
disabled and the line at the bottom says what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from jvs_core import JvsError, Repository
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import change_count
from jvs_core.wording import counted
from jvs_magics import html
from jvs_magics.call import wait
from jvs_magics.content import file_html
from jvs_magics.kinds import Restored
from jvs_magics.panel import Panel
from jvs_magics.speech import usage_error
from jvs_magics.timeline import Timeline

if TYPE_CHECKING:
    from jvs_magics.magics import JvsMagics

_FILES = 500
_PREVIEW = 4_000_000


class Browser:
    """The browser of one worktree: a panel of widgets and what they do."""

    def __init__(self, magics: JvsMagics, repository: Repository, worktree: str | None) -> None:
        self._magics = magics
        self._repository = repository
        self._worktree = worktree or repository.worktree
        self._timeline = Timeline(repository, self._worktree)
        self.panel = Panel(self._worktree)
        self._connect()
        self._run("Reading history", self._list_snapshots)

    def show(self) -> Any:
        """Return the widget to display."""
        return self.panel.box

    def _connect(self) -> None:
        panel = self.panel
        panel.filter.observe(lambda _: self._run("Filtering", self._list_snapshots), "value")
        panel.snapshots.observe(lambda _: self._run("Reading the snapshot", self._list_files), "value")
        panel.files.observe(lambda _: self._run("Reading the file", self._preview), "value")
        panel.reason.observe(lambda _: panel.refresh(), "value")
        for button, what, action in (
            (panel.more, "Reading history", self._more),
            (panel.compare, "Comparing with now", self._compare),
            (panel.restore, "Restoring to a new worktree", self._restore),
            (panel.inplace, "Restoring in place", self._restore_in_place),
            (panel.reload, "Reading history", self._reload),
        ):
            button.on_click(partial(self._clicked, what, action))

    def _clicked(self, what: str, action: Callable[[], str], _button: Any) -> None:
        self._run(what, action)

    def _run(self, what: str, action: Callable[[], str]) -> None:
        """Carry an action out in the busy state; the line at the bottom shows its result, or why it failed."""
        with self._busy(what):
            try:
                self.panel.say(action())
            except JvsError as error:
                self.panel.say(str(usage_error(error)), bad=True)

    @contextmanager
    def _busy(self, what: str) -> Iterator[None]:
        nested = self.panel.busy
        if not nested:
            self.panel.begin(what)
        try:
            yield
        finally:
            if not nested:
                self.panel.end()

    def _list_snapshots(self) -> str:
        found = self._timeline.matching(self.panel.filter.value)
        self.panel.fill_snapshots(found, more=self._timeline.has_more)
        count = counted(len(found), "snapshot")
        if self._timeline.has_more:
            count = f"more than {count}"
        self._list_files()
        return count if found else "No snapshots match."

    def _more(self) -> str:
        self._timeline.grow()
        return self._list_snapshots()

    def _reload(self) -> str:
        self._timeline.forget()
        return self._list_snapshots()

    def _list_files(self) -> str:
        snapshot_id = self.panel.snapshots.value
        if snapshot_id is None:
            self.panel.fill_files([], 0)
            return ""
        entries = [
            entry for entry in self._repository.ls(snapshot_id, recursive=True) if entry.type != "directory"
        ]
        self.panel.fill_files(entries[:_FILES], len(entries))
        return f"{counted(len(entries), 'file')} in snapshot {snapshot_id}"

    def _preview(self) -> str:
        snapshot_id, path = self.panel.snapshots.value, self.panel.files.value
        if snapshot_id is None or path is None:
            return ""
        with self._repository.open_file(snapshot_id, path) as stream:
            stream.check()
            content = stream.read(_PREVIEW)
        self.panel.show(html.block(html.line(html.code(path)), file_html(path, content)))
        return f"{path} as it was in snapshot {snapshot_id}"

    def _compare(self) -> str:
        found = self._repository.compare(self._chosen(), worktree=self._worktree)
        more = f"%jvs compare {found.from_}"
        self.panel.show(
            html.block(
                html.line("From snapshot", html.code(found.from_), "to now:", html.text(change_count(found))),
                html.changes(found.added, found.modified, found.removed, more),
            )
        )
        return f"Since snapshot {found.from_}: {change_count(found)}"

    def _restore(self) -> str:
        chosen = self._chosen()
        made = self._repository.restore(chosen, name=self._repository.suggest_name(chosen))
        self.panel.show(Restored(Outcome(made))._repr_html_())
        return f"Restored to the new worktree {made.worktree}; JVS changed no other worktree"

    def _restore_in_place(self) -> str:
        done = self._repository.restore_inplace(
            self._chosen(),
            reason=self.panel.reason.value.strip(),
            worktree=self._worktree,
            lock=True,
            wait_s=wait(self._magics, self._repository, self._worktree),
        )
        self.panel.reason.value = ""
        more = f"%jvs compare {done.pre_restore_snapshot_id}"
        self.panel.show(
            html.block(
                html.line("In place:", html.text(change_count(done))),
                html.changes(done.added, done.modified, done.removed, more),
            )
        )
        self._reload()
        return f"Restored snapshot {done.snapshot_id} in place; %jvs undo takes it back"

    def _chosen(self) -> str:
        return str(self.panel.snapshots.value)
