"""The widgets of the snapshot browser, without their behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from jvs_core.cli.text import safe, size
from jvs_magics import html

_LABEL: dict[str, Any] = {"style": {"description_width": "initial"}}


class Panel:
    """The controls, in the order in which Tab goes through them."""

    def __init__(self, worktree: str) -> None:
        self.busy = False
        self.filter = widgets.Text(
            description="Filter",
            placeholder="words in note, tag, ref or id",
            continuous_update=False,
            **_LABEL,
        )
        self.snapshots = _list(f"Snapshots of {worktree}")
        self.files = _list("Files")
        self.more = _button("More", "List older snapshots")
        self.reload = _button("Reload", "Read the history again")
        self.compare = _button("Compare with now", "List what changed since the snapshot")
        self.restore = _button(
            "Restore to a new worktree", "Put the snapshot into a new folder; JVS changes nothing else"
        )
        self.reason = widgets.Text(description="Reason", placeholder="why", **_LABEL)
        self.inplace = _button(
            "Restore in place", "Make this worktree equal to the snapshot; %jvs undo takes it back"
        )
        # Of fixed height: nothing moves away from under the pointer when content arrives.
        self.preview = widgets.HTML(layout=widgets.Layout(height="360px", overflow="auto"))
        self.status = widgets.HTML(layout=widgets.Layout(min_height="28px"))
        self._snapshots_more = False
        self.box = self._layout()
        self.box.add_class("jvs-browser")
        self.refresh()

    def begin(self, what: str) -> None:
        """Show that something runs."""
        self.busy = True
        self._status(f"{what} …", "dim")
        self.refresh()

    def end(self) -> None:
        """Let the controls be used again."""
        self.busy = False
        self.refresh()

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show the result of an action."""
        if text:
            self._status(text, "bad" if bad else "ok")

    def show(self, content: str) -> None:
        """Show HTML in the preview."""
        self.preview.value = content

    def fill_snapshots(self, options: Sequence[tuple[str, str]], *, more: bool) -> None:
        """List snapshots; the one chosen stays chosen if it is among them, else the first is."""
        chosen = self.snapshots.value
        ids = [snapshot_id for _, snapshot_id in options]
        self._snapshots_more = more
        self.snapshots.options = [(safe(text), snapshot_id) for text, snapshot_id in options]
        self.snapshots.value = chosen if chosen in ids else (ids[0] if ids else None)

    def fill_files(self, entries: Sequence[Any], of: int) -> None:
        """List files, none of them chosen."""
        self.files.options = [(f"{safe(entry.path)}  ({size(entry.size)})", entry.path) for entry in entries]
        self.files.value = None
        self.files.description = (
            "Files" if len(entries) == of else f"Files ({len(entries):,} of {of:,} shown)"
        )

    def refresh(self) -> None:
        """Enable what can be used now."""
        chosen = self.snapshots.value is not None
        for control in (self.filter, self.snapshots, self.files, self.reload, self.reason):
            control.disabled = self.busy
        self.more.disabled = self.busy or not self._snapshots_more
        for button in (self.compare, self.restore):
            button.disabled = self.busy or not chosen
        self.inplace.disabled = self.busy or not chosen or not self.reason.value.strip()

    def _status(self, text: str, style: str) -> None:
        self.status.value = (
            f'{html.STYLE}<div class="jvs" role="status" aria-live="polite">{html.span(style, text)}</div>'
        )

    def _layout(self) -> Any:
        return widgets.VBox(
            [
                widgets.HBox([self.filter, self.more, self.reload]),
                widgets.HBox([self.snapshots, self.files]),
                widgets.HBox([self.compare, self.restore]),
                widgets.HBox([self.reason, self.inplace]),
                self.status,
                self.preview,
            ]
        )


def _list(label: str) -> Any:
    layout = widgets.Layout(width="50%", height="auto", flex_flow="column", align_items="stretch")
    return widgets.Select(description=label, options=[], rows=12, layout=layout, style=_LABEL["style"])


def _button(text: str, hint: str) -> Any:
    return widgets.Button(description=text, tooltip=hint, layout=widgets.Layout(width="auto"))
