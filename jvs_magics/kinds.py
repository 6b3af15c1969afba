"""How each kind of answer shows itself in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import change_count, first_line, size
from jvs_core.wording import counted
from jvs_magics import html
from jvs_magics.answers import Answer, Answers, dataframe
from jvs_magics.content import ExecutedCells, FileContent
from jvs_magics.patch import patch
from jvs_magics.run_table import Runs
from jvs_magics.views import OpenedView


class Snapshot(Answer):
    """A snapshot just taken."""

    def _html(self) -> str:
        made = self._value
        label = "" if made.consistency_level == "quiesced" else html.span("differs", made.consistency_level)
        counts = f"{counted(made.files, 'file')}, {size(made.bytes)}, worktree {made.worktree}"
        return html.line(
            "Created snapshot", html.code(made.snapshot_id), html.tags(made.tags), label
        ) + html.line(html.text(first_line(made.note)), html.span("dim", counts))


class Annotated(Answer):
    """A snapshot whose note and tags were just edited."""

    def _html(self) -> str:
        made = self._value
        return html.line("Annotated snapshot", html.code(made.snapshot_id), html.tags(made.tags)) + html.line(
            html.text(first_line(made.note))
        )


class SnapshotDetails(Answer):
    """One snapshot in full."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("descriptor"), name)

    def _html(self) -> str:
        made = self._value.descriptor
        state = "" if not self._value.expired else html.span("bad", "expired: its files are gone")
        rows = [
            ("Note", html.lines(made.note)),
            ("Created", html.text(made.created_at)),
            ("Tags", html.tags(made.tags)),
            ("Refs", html.tags(self._value.refs)),
            ("Worktree", html.text(made.worktree)),
            ("Parent", html.code(made.parent_snapshot_id) if made.parent_snapshot_id else ""),
            ("By", html.text(made.holder_id)),
            ("Content", html.text(f"{counted(made.files, 'file')}, {size(made.bytes)}")),
            ("Engine", html.text(made.engine)),
            ("Consistency", html.text(made.consistency_level)),
            ("Integrity", html.text(made.integrity_state)),
            ("Not kept", "<br>".join(map(html.text, made.degraded))),
            ("Path", html.code(self._value.path)),
        ]
        return html.line("Snapshot", html.code(made.snapshot_id), state) + html.fields(rows)


class History(Answers):
    """Snapshots, newest first."""

    def _html(self) -> str:
        if not self._value:
            return ""
        rows = [
            (
                html.code(item.descriptor.snapshot_id),
                html.text(item.descriptor.created_at[:19].replace("T", " ")),
                html.text(first_line(item.descriptor.note)),
                html.tags(item.descriptor.tags) + html.tags(item.refs, "ok tag"),
                _labels(item),
            )
            for item in self._value[: html.FIRST_PAGE]
        ]
        return html.table(
            ("Snapshot", "Time (UTC)", "Note", "Tags and refs", ""),
            rows,
            of=len(self._value),
            more="%jvs browse",
        )


class Status(Answer):
    """A worktree against its newest snapshot."""

    def _html(self) -> str:
        found = self._value
        state = (
            html.span("ok", "clean: nothing changed since the newest snapshot")
            if found.clean
            else html.text(f"{change_count(found)}:")
        )
        head = html.code(found.head_snapshot_id) if found.head_snapshot_id else html.text("no snapshot yet")
        return (
            html.line("On worktree", html.code(found.worktree), "at", html.code(found.path))
            + html.line(
                html.span("dim", "newest snapshot"), head, html.span("dim", f"lock {found.lock_state}")
            )
            + html.line(state)
            + html.changes(found.added, found.modified, found.removed, "print(answer)", last=found.caches)
        )


class Comparison(Answer):
    """What changed from one snapshot to another, or to the worktree."""

    def _html(self) -> str:
        found = self._value
        changes = getattr(found, "changes", None)
        if changes is not None and any(change.detail is not None for change in changes):
            return patch(changes)
        if changes is not None:  # with sizes
            return super()._html()
        moved = [f"{pair.from_} → {pair.to}" for pair in found.renamed]
        return html.changes(
            found.added, found.modified, found.removed, "print(answer)", moved=moved, last=found.caches
        )


class Initialized(Answer):
    """A new repository; the answer's ``main_path`` is where to work."""

    def __init__(self, outcome: Outcome, *, coloured: bool = False, notes: Sequence[str] = ()) -> None:
        there = f"go there with: %cd {outcome.value.main_path}"
        super().__init__(replace(outcome, notices=[there]), coloured=coloured, notes=notes)


class Restored(Answer):
    """A snapshot put back as a new worktree; the answer's ``path`` is its folder."""

    def __init__(self, outcome: Outcome, *, coloured: bool = False, notes: Sequence[str] = ()) -> None:
        there = f"go there with: %cd {outcome.value.path}"
        super().__init__(replace(outcome, notices=[*outcome.notices, there]), coloured=coloured, notes=notes)

    def _html(self) -> str:
        made = self._value
        return html.line("Restored snapshot", html.code(made.snapshot_id), "to", html.link(made.path))


class RestoredInPlace(Answer):
    """A worktree made equal to a snapshot."""

    def _html(self) -> str:
        done = self._value
        return (
            html.line(html.text(self._headline))
            + html.line(html.code(done.path), html.text(change_count(done)))
            + html.changes(done.added, done.modified, done.removed, "print(answer)")
        )


class VerifyReport(Answer):
    """What verifying found."""

    def _html(self) -> str:
        report = self._value
        damaged = [found for found in report.snapshots if found.severity == "critical"]
        chosen = [*damaged, *(found for found in report.snapshots if found.severity != "critical")]
        rows = [
            (
                html.code(found.snapshot_id),
                html.span("bad", f"{'TAMPERED' if found.tamper_detected else 'UNREADABLE'} {found.code}")
                if found.severity == "critical"
                else html.span("ok", "OK"),
                html.text(found.message or ""),
                "<br>".join(html.code(path) for path in found.damaged_paths[: html.FIRST_PAGE]),
            )
            for found in chosen[: html.FIRST_PAGE]
        ]
        log = (
            html.span("ok", f"audit log OK, {counted(report.audit.records, 'record')}")
            if report.audit.ok
            else html.span("bad", f"audit log BROKEN: {report.audit.error}")
        )
        table = html.table((), rows, of=len(chosen), more="print(answer)") + html.line(log)
        read = getattr(report, "subset", None)
        if read is None:
            return table
        said = f"share {read.share}/{read.of}: {read.files_read:,} of {counted(read.files, 'file')} read"
        missing = sum(each.never_read > 0 for each in read.shares)
        left = f"; {counted(missing, 'share')} of {read.of} not read yet in all snapshots" if missing else ""
        return table + html.line(html.text(said + left))


class Listing(Answers):
    """The entries of a folder of a snapshot."""

    def _html(self) -> str:
        rows = [
            (
                html.code(entry.path + ("/" if entry.type == "directory" else "")),
                html.text(size(entry.size) if entry.type == "file" else entry.type),
                html.text(entry.mtime[:19].replace("T", " ")),
            )
            for entry in self._value[: html.FIRST_PAGE]
        ]
        return html.table(("Path", "Size", "Changed (UTC)"), rows, of=len(self._value), more="print(answer)")


def _versions(file: Any) -> str:
    if not file.versions:
        return f"{counted(len(file.copies), 'kept copy', 'kept copies')}, {size(file.copies[0].size)}"
    return f"{counted(len(file.versions), 'version')}, {size(file.versions[-1].size)}"


class Found(Answers):
    """Files found in history."""

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dictionary a file: where its newest version is, how many there are, and the largest one's bytes."""
        return [
            {
                "path": file.path,
                "versions": len(file.versions),
                "copies": len(file.copies),
                "bytes": (file.versions[-1] if file.versions else file.copies[0]).size,
                "largest_bytes": max(each.size for each in (*file.versions, *file.copies)),
                "last_snapshot_id": file.last_snapshot_id,
                "removed_in": file.removed_in,
                "in_worktree": file.in_worktree,
            }
            for file in self._value
        ]

    def _html(self) -> str:
        rows = [
            (
                html.code(file.path),
                html.text(_versions(file)),
                html.code(file.last_snapshot_id or file.copies[0].copy_id),
                "" if file.in_worktree else html.span("differs", "not in the worktree"),
            )
            for file in self._value[: html.FIRST_PAGE]
        ]
        return html.table(
            ("Path", "Versions", "Newest snapshot or copy", ""),
            rows,
            of=len(self._value),
            more="answer.to_dataframe()",
        )


class Stats(Answer):
    """What takes the space: snapshots by what they alone hold."""

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dictionary a snapshot, the newest first; of one snapshot, a dictionary a path."""
        rows = self._value.snapshots if self._value.worktrees else self._value.largest
        return [row.to_json() for row in rows]

    def to_dataframe(self) -> Any:
        """Return the rows as a pandas DataFrame. Raises InputError where pandas is not installed."""
        return dataframe(self.to_rows())


class Worktrees(Answers):
    """The worktrees of the repository."""

    def _html(self) -> str:
        rows = [
            (
                html.code(info.name),
                html.code(info.head_snapshot_id or ""),
                html.text(info.lock_state),
                html.link(info.path),
            )
            for info in self._value[: html.FIRST_PAGE]
        ]
        return html.table(
            ("Worktree", "Newest snapshot", "Lock", "Path"), rows, of=len(self._value), more="print(answer)"
        )


_KINDS: dict[str, type[Answer]] = {
    "snapshot": Snapshot,
    "annotate": Annotated,
    "history": History,
    "find": Found,
    "stats": Stats,
    "status": Status,
    "compare": Comparison,
    "undo": RestoredInPlace,
    "redo": RestoredInPlace,
    "verify": VerifyReport,
    "ls": Listing,
    "worktree list": Worktrees,
    "cat": FileContent,
    "run list": Runs,
}
_BY_VALUE: dict[str, type[Answer]] = {
    "Unchanged": Answer,
    "Initialized": Initialized,
    "Restored": Restored,
    "RestoredInPlace": RestoredInPlace,
    "SnapshotDetails": SnapshotDetails,
    "ExecutedCells": ExecutedCells,
    "OpenedView": OpenedView,
}


def answer(command: str, outcome: Outcome, *, coloured: bool = False, notes: Sequence[str] = ()) -> Answer:
    """Return the answer for the outcome of a command, by the kind of its value."""
    value = outcome.value
    kind = _BY_VALUE.get(type(value).__name__) or _KINDS.get(command)
    if kind is None:
        kind = Answers if isinstance(value, list) else Answer
    return kind(outcome, coloured=coloured, notes=notes)


def _labels(item: Any) -> str:
    labels = []
    if item.descriptor.consistency_level == "best_effort":
        labels.append(html.span("differs", "best_effort"))
    if item.expired:
        labels.append(html.span("bad", "expired"))
    return " ".join(labels)
