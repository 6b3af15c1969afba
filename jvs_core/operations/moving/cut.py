"""What a repository that is to be cloned holds at one moment, read while nobody publishes; and keeping it from gc."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core import regular
from jvs_core.control import catalog
from jvs_core.control.audit import chain, checkpoint, log_file
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation, journal, pins, refs, runs, worktree
from jvs_core.errors import AuditChainBroken, JvsError, SnapshotNotFound
from jvs_core.model import Annotation, Checkpoint, Descriptor, Intent, Pin, Ref, Tombstone, Worktree
from jvs_core.operations import worktree_removal
from jvs_core.operations.at_rest import at_rest
from jvs_core.operations.context import Context, step
from jvs_core.progress import Progress
from jvs_core.results import RefusedSnapshot

INTENT = "clone"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,9}|result")
_LOOKS = 5
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass
class Cut:
    """A repository as it was at ``checkpoint`` of its log.

    ``descriptors`` are those of all snapshots to clone and of their ancestors, as the log has them; ``whole`` those of
    them that have a payload to clone, oldest first. ``refused`` are snapshots whose records do not agree.
    """

    checkpoint: Checkpoint
    ledger: Ledger
    descriptors: dict[str, Descriptor] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    refused: list[RefusedSnapshot] = field(default_factory=list)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    worktrees: dict[str, Worktree] = field(default_factory=dict)
    refs: list[Ref] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    runs: dict[str, bytes] = field(default_factory=dict)
    beside_runs: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def taken(
    ctx: Context, only: Sequence[str] | None, target: Path, progress: Progress
) -> Iterator[tuple[Cut, list[str]]]:
    """Yield what the repository holds now, kept from gc for the block, and what could not be done for that, a line each.

    ``only`` names the snapshots to clone, None all. Nothing is changed but that an intent stands for the block; who may
    not write there clones all the same, and what gc takes meanwhile is refused by name.

    Raises
    ------
    AuditChainBroken
        The log is not what was written.
    SnapshotNotFound, SnapshotAmbiguous, SnapshotExpired
        ``only`` names something else than one whole snapshot.
    """
    found = chain.check(ctx.layout)
    intent: Intent | None = None
    lines: list[str] = []
    with step(progress, "hold"), at_rest(ctx):
        if not found.ok:  # a log is rotated and mended under its readers
            found = chain.check(ctx.layout)
        if found.error is not None:
            raise AuditChainBroken(
                f"the log of {ctx.layout.root} is damaged: {found.error.removeprefix(f'{AuditChainBroken.code}: ')}",
                hint=f"check it first: jvs --repo {ctx.layout.root} doctor",
            )
        cut = _read_unmoved(ctx, only)
        try:
            _end_earlier(ctx, target)
            intent = ctx.begin(INTENT, snapshots=cut.whole, target=str(target))
        except (OSError, JvsError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in _NOT_OURS:
                raise
            lines.append(
                f"{ctx.layout.root} is read-only for you, so JVS cannot keep gc there from removing what it clones"
            )
    try:
        yield cut, lines
    finally:
        if intent is not None:
            with suppress(OSError, JvsError):
                journal.complete(ctx.layout, intent)


def _end_earlier(ctx: Context, target: Path) -> None:
    """Remove the intents of clones to the same target whose process died: this one goes on."""
    for intent in journal.pending(ctx.layout)[0]:
        same = intent.operation == INTENT and intent.details["target"] == str(target)
        if same and journal.is_own(intent) and journal.state(intent, ctx.settings) is False:
            journal.complete(ctx.layout, intent)


def _read_unmoved(ctx: Context, only: Sequence[str] | None) -> Cut:
    """Read the repository, again where somebody published meanwhile: who may not lock cannot keep them from it."""
    for _ in range(_LOOKS):
        before = log_file.mark(ctx.layout)
        cut = _read(ctx, only)
        if log_file.mark(ctx.layout) == before:
            break
    return cut


def _read(ctx: Context, only: Sequence[str] | None) -> Cut:
    layout = ctx.layout
    cut = Cut(checkpoint.create(layout), ledgers.read(layout))
    known = set(catalog.ids(layout))
    chosen = known if only is None else {catalog.resolve(layout, text, _main_head(ctx)) for text in only}
    _follow(ctx, cut, chosen, strict=only is not None)
    for name in worktrees(ctx):
        cut.worktrees[name] = worktree.get(layout, name)
    cut.refs = [ref for ref in refs.REFS.all(layout) if cut.ledger.refs.get(ref.name) == ref.snapshot_id]
    cut.pins = [pin for pin in pins.read_all(layout) if not pins.has_expired(pin)]
    for snapshot_id in annotation.ids(layout):
        if snapshot_id in cut.descriptors:
            logged = cut.ledger.annotations.get(snapshot_id, {})
            found = annotation.read(layout, snapshot_id)
            cut.annotations += [each for each in found if logged.get(each.number) == each]
    cut.runs = dict(_runs(ctx, cut))
    cut.beside_runs = dict(_beside_runs(ctx.layout, cut))
    return cut


def _main_head(ctx: Context) -> str | None:
    return ctx.worktree("main").head_snapshot_id


def _follow(ctx: Context, cut: Cut, chosen: set[str], *, strict: bool) -> None:
    """Read the descriptors of the snapshots ``chosen`` and of their ancestors, each checked against the log."""
    waiting = sorted(chosen)
    looked: set[str] = set()
    while waiting:
        snapshot_id = waiting.pop()
        if snapshot_id in looked:
            continue
        looked.add(snapshot_id)
        try:
            descriptor = _logged(ctx, cut.ledger, snapshot_id)
        except JvsError as error:
            cut.refused.append(RefusedSnapshot.of(snapshot_id, error))
            continue
        cut.descriptors[snapshot_id] = descriptor
        if snapshot_id in chosen:
            if strict:
                catalog.require_kept(ctx.layout, snapshot_id)
            if not catalog.is_expired(ctx.layout, snapshot_id):
                cut.whole.append(snapshot_id)
        if descriptor.parent_snapshot_id is not None:
            waiting.append(descriptor.parent_snapshot_id)
    cut.whole.sort(key=lambda key: (cut.descriptors[key].created_at, key))


def _logged(ctx: Context, ledger: Ledger, snapshot_id: str) -> Descriptor:
    descriptor = catalog.read(ctx.layout, snapshot_id)
    assert descriptor.descriptor_checksum is not None
    logged = ledger.snapshots.get(snapshot_id)
    if logged is None:
        raise SnapshotNotFound(
            f"snapshot {snapshot_id} is not in the log: it was interrupted, or somebody planted it"
        )
    if logged != (descriptor.descriptor_checksum.value, descriptor.payload_root_hash.value):
        raise AuditChainBroken(f"the descriptor of {snapshot_id} differs from the log")
    return descriptor


def _runs(ctx: Context, cut: Cut) -> Iterator[tuple[str, bytes]]:
    """Yield the records of runs that ended, as the log has them, whose snapshots come along."""
    for run_id in runs.ids(ctx.layout):
        data = regular.read_regular(runs.RUNS.place(ctx.layout, run_id))
        if cut.ledger.runs.get(run_id) != runs.digest(data):
            continue
        run = runs.RUNS.find_listed(ctx.layout, run_id)
        if run is None or run.outcome == "started":
            continue
        needed = {run.before_snapshot_id, run.after_snapshot_id} - {None}
        if needed <= cut.descriptors.keys():
            yield run_id, data


def _beside_runs(layout: Layout, cut: Cut) -> Iterator[tuple[str, bytes]]:
    """Yield, by their paths below ``runs``, environments, and attempts at points of sweeps whose runs come along."""
    for name in layout.listing(layout.runs / "environments"):
        if _DIGEST.fullmatch(name):
            data = regular.read_regular(layout.runs / "environments" / name, most=regular.LONGEST_PLAIN)
            if hashlib.sha256(data).hexdigest() == name:
                yield f"environments/{name}", data
    for point in layout.listing(layout.runs / "points"):
        if _DIGEST.fullmatch(point):
            for name in layout.listing(layout.runs / "points" / point):
                if _ATTEMPT.fullmatch(name):
                    data = regular.read_regular(
                        layout.runs / "points" / point / name, most=regular.LONGEST_PLAIN
                    )
                    if data.decode("ascii", "replace") in cut.runs:
                        yield f"points/{point}/{name}", data


def worktrees(ctx: Context) -> list[str]:
    """Return the names of the worktrees that a clone gets: all but those made for one piece of work."""
    made = {
        intent.worktree
        for intent in journal.pending(ctx.layout)[0]
        if intent.operation in worktree_removal.TEMPORARY
    }
    return [name for name in worktree.names(ctx.layout) if name not in made]
