"""Checking the audit chain: every record unchanged and in its place, up to the head, from a kept checkpoint on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jvs_core import regular
from jvs_core.control import identity
from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.errors import AuditChainBroken
from jvs_core.model import AuditRecord, Checkpoint

_PROBLEMS_KEPT = 100


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was written.

    ``kind`` is ``edited`` (a record or its place in the chain), ``unreadable`` (a line that is no record), ``gap``
    (records deleted), ``misplaced`` (a record inserted, repeated or out of order), ``file`` (a log file that is not
    what its name says, or no regular file), ``head`` (missing, damaged or not of this log), ``cut`` (the end is missing), or, against a
    checkpoint, ``origin`` (another repository's), ``rolled_back`` or ``rebuilt``.
    """

    kind: str
    message: str
    seq: int | None = None


@dataclass(frozen=True)
class ChainReport:
    """What checking the log found. ``problems`` holds the first hundred; ``problem_count`` counts all.

    ``unfinished`` tells that the log ends in the middle of a line: an append under way, or what a crash left of an
    operation that never reported success; the next append removes it.
    """

    records: int
    last_seq: int
    problems: tuple[Problem, ...]
    problem_count: int
    unfinished: bool

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem_count == 0

    @property
    def error(self) -> str | None:
        """The first problem and how many more, as the command reports it; None when nothing is wrong."""
        if not self.problems:
            return None
        more = f", and {self.problem_count - 1} more" if self.problem_count > 1 else ""
        return f"{AuditChainBroken.code}: {self.problems[0].message}{more}"


@dataclass
class _Walk:
    """The state of one reading: the last record that was read, and the problems found so far."""

    head: dict[str, Any] | None
    since: Checkpoint | None
    records: int = 0
    seq: int = 0
    hash: str | None = ""
    at_head: str | None = None
    at_since: str | None = None
    unfinished: bool = False
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    def report(self, kind: str, message: str, seq: int | None = None) -> None:
        self.problem_count += 1
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(Problem(kind, message, seq))

    def line(self, line: bytes, where: str) -> None:
        """Take the next line. ``seq`` and ``hash`` follow the highest record; the hash is None where it is unknown."""
        self.records += 1
        try:
            record = log_file.parse_line(line)
        except AuditChainBroken as error:
            self._broken_line(line, where, error)
            return
        self._take(record, where)
        if self.head is not None and record.seq == self.head["seq"]:
            self.at_head = record.record_hash
        if self.since is not None and record.seq == self.since.seq:
            self.at_since = record.record_hash

    def _take(self, record: AuditRecord, where: str) -> None:
        if record.seq <= self.seq:
            message = (
                f"record {record.seq} comes after record {self.seq}: inserted, repeated or moved ({where})"
            )
            self.report("misplaced", message, record.seq)
            return
        if record.seq > self.seq + 1:
            first, last = self.seq + 1, record.seq - 1
            gone = f"record {first} is" if first == last else f"records {first} to {last} are"
            self.report("gap", f"{gone} missing before record {record.seq} ({where})", first)
        elif self.hash is not None and record.prev_hash != self.hash:
            message = (
                f"record {record.seq} does not match the record before it: one of them was replaced ({where})"
            )
            self.report("edited", message, record.seq)
        self.seq, self.hash = record.seq, record.record_hash

    def _broken_line(self, line: bytes, where: str, error: AuditChainBroken) -> None:
        """Report a line whose hash is wrong; the numbers in it still say which record follows, if it is a record at all."""
        seq, claimed = log_file.claims(line)
        if seq is None:
            self.report("unreadable", f"a line is not a record ({where})")
            self.seq, self.hash = self.seq + 1, None
            return
        self.report("edited", f"{error.message} ({where})", seq)
        if seq > self.seq:
            self.seq, self.hash = seq, claimed

    def finish(self, repo_id: str) -> None:
        """Compare the end of the log with the head, then with the checkpoint."""
        head = self.head
        if head is not None:
            if head["origin"] != repo_id:
                self.report("head", f"the audit head belongs to repository {head['origin']}")
            if self.seq < head["seq"]:
                message = f"the end is cut off: the log ends with record {self.seq}, but its head names record {head['seq']}"
                self.report("cut", message, self.seq + 1)
            elif head["seq"] and self.at_head not in (None, head["head_hash"]):
                self.report("edited", f"record {head['seq']} is not the one that the head names", head["seq"])
        if self.since is not None:
            self._hold_against(self.since, repo_id)

    def _hold_against(self, since: Checkpoint, repo_id: str) -> None:
        if since.origin != repo_id:
            self.report(
                "origin", f"the checkpoint is of repository {since.origin}, and this is repository {repo_id}"
            )
        elif self.seq < since.seq:
            message = f"the log was set back: it ends with record {self.seq}, but the checkpoint names record {since.seq}"
            self.report("rolled_back", message, self.seq + 1)
        elif since.seq and self.at_since != since.head_hash:
            message = f"the log was rewritten: record {since.seq} is not the one that the checkpoint names"
            self.report("rebuilt", message, since.seq)


def check(layout: Layout, since: Checkpoint | None = None) -> ChainReport:
    """Read the whole log, in constant memory, and check it against its head and against ``since``.

    Takes no lock. Records appended meanwhile are read too; what is wrong in a log that was rotated or mended under the
    reading says nothing.
    """
    try:
        head, complaint = log_file.read_head(layout), None  # before the log: that only grows
    except AuditChainBroken as error:
        head, complaint = None, error.message
    walk = _Walk(head, since)
    for path in log_file.irregular(layout):
        walk.report("file", regular.irregular(path))
    for path, number, line in _lines(layout):
        where = f"{path.name}, line {number}"
        if number == 0:
            _check_name(walk, path)
        elif line.endswith(b"\n"):
            walk.line(line, where)
        elif path == log_file.log_path(layout) and len(line) < log_file.LONGEST_LINE:
            walk.unfinished = True
        else:
            walk.records += 1
            walk.report("unreadable", f"a line has no end ({where})")
            walk.seq, walk.hash = walk.seq + 1, None
    if complaint is not None:
        walk.report("head", complaint)
    if not walk.records and walk.since is None:
        walk.report("cut", "the log is empty, but every repository has a first record", 1)
    walk.finish(identity.repo_id(layout))
    return ChainReport(walk.records, walk.seq, tuple(walk.problems), walk.problem_count, walk.unfinished)


def _lines(layout: Layout) -> Iterator[tuple[Path, int, bytes]]:
    """Yield file, line number and line; after each rotated file, number 0."""
    for path, log in log_file.opened(layout):
        for number, line in enumerate(log_file.lines_of(log), 1):
            yield path, number, line
        if path != log_file.log_path(layout):
            yield path, 0, b""


def _check_name(walk: _Walk, path: Path) -> None:
    named = int(path.name.removeprefix("audit-").removesuffix(".jsonl"))
    if named != walk.seq:
        walk.report("file", f"{path.name} ends with record {walk.seq}", walk.seq)
