"""Repairing the audit log: a damaged log is kept unchanged in quarantine, and a new one begins with what it said."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path

from jvs_core import files, regular
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit import log_file
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.records import annotation, runs, tombstones, worktree
from jvs_core.control.records import refs as stored_refs
from jvs_core.errors import AuditChainBroken, JvsError
from jvs_core.model import Descriptor
from jvs_core.operations import leftovers, stored
from jvs_core.operations.context import Context
from jvs_core.operations.doctor import examination
from jvs_core.operations.gc import aftermath

_ASIDE = "damaged-"


def begin_anew(ctx: Context) -> list[str]:
    """Quarantine a damaged log and begin a new one that names it; return what was done, nothing where the log is sound.

    The new log has what could be read of the old one. It also adopts, and names, what is there without a readable
    record: refs, sound snapshots and removals by gc. No head is moved. After a crash the log is still damaged, and the
    next repair uses it and the folders of the killed repair. A sound log only adopts snapshots that neither it nor an
    intent names.
    """
    with ctx.critical():
        damaged = [finding for finding in examination.examine(ctx) if finding.repair == "audit_repair"]
        folders = sorted(ctx.layout.audit.glob(f"{_ASIDE}*"))
        begun = _unnamed(ctx, folders) if damaged else _missed(ctx, _unnamed(ctx, folders))
        if not damaged and not begun:
            return _take_up_foreign(ctx)
        later = folders[folders.index(begun[0]) :] if begun else []
        known = ledgers.read(ctx.layout, before=chain.from_iterable(map(_lines, later)))
        refs_now = {ref.name: ref.snapshot_id for ref in stored_refs.REFS.readable(ctx.layout)[0]}
        adopted = sorted(refs_now.keys() - known.refs.keys())
        removed = _removals(ctx, known)
        snapshots = {**_whole(ctx, known), **removed}
        aside = _new_folder(ctx)
        for path in [*log_file.log_files(ctx.layout), log_file.head_path(ctx.layout)]:
            if os.path.lexists(path):
                files.rename_durable(path, aside / path.name)
        ctx.audit(
            "repair",
            target="audit_repair",
            reason=damaged[0].message if damaged else "a repair of the log was killed",
            details={
                "set_aside": aside.name,
                "set_aside_before": [folder.name for folder in begun],
                "snapshots": {key: list(value) for key, value in {**snapshots, **known.snapshots}.items()},
                "refs": {**refs_now, **known.refs},
                "removed": sorted(known.removed.union(removed)),
                "pins": {key: list(value) for key, value in known.pins.items()},
                "worktrees": _worktrees(ctx, known),
                **_stands(ctx, known),
                **_annotations(ctx, known),
                "adopted": adopted,
                "adopted_snapshots": sorted(snapshots.keys() - removed.keys()),
                "adopted_removals": sorted(removed),
            },
        )
        return [
            aside.name,
            *(f"snapshot {key} as it is" for key in sorted(snapshots.keys() - removed.keys())),
            *(f"the removal of {key}" for key in sorted(removed)),
            *(f"ref {name} as it is" for name in adopted),
        ]


def _take_up_foreign(ctx: Context) -> list[str]:
    """Record complete snapshots that are neither in the sound log nor in any intent."""
    found = _whole(ctx, ledgers.read(ctx.layout))
    if found:
        ctx.audit(
            "repair",
            target="audit_repair",
            reason="snapshots that neither the log nor an intent knew",
            details={
                "snapshots": {key: list(value) for key, value in found.items()},
                "adopted_snapshots": sorted(found),
            },
        )
    return [f"snapshot {key} as it is" for key in sorted(found)]


def _whole(ctx: Context, known: Ledger) -> dict[str, tuple[str, str]]:
    """Return the log entries of complete snapshots that the log does not have; their descriptors get their names."""
    found = {}
    for key, descriptor in leftovers.foreign(ctx, known).items():
        place = ctx.layout.descriptor(key)
        if not os.path.lexists(place):
            files.rename_durable(place.with_name(place.name + files.TEMPORARY_SUFFIX), place)
        with suppress(JvsError, OSError):
            stored.descriptor_of(ctx.layout, key)
            found[key] = _hashes(descriptor)
    return found


def _removals(ctx: Context, known: Ledger) -> dict[str, tuple[str, str]]:
    """Return the log entries of snapshots that, by their tombstones, gc removed."""
    found = {}
    for key in aftermath.unexplained(ctx, known):
        with suppress(JvsError):
            tombstone = tombstones.TOMBSTONES.find(ctx.layout, key)
            descriptor = None if tombstone is None else aftermath.logged_descriptor(tombstone, known)
            if descriptor is not None:
                found[key] = _hashes(descriptor)
    return found


def _hashes(descriptor: Descriptor) -> tuple[str, str]:
    assert descriptor.descriptor_checksum is not None
    return descriptor.descriptor_checksum.value, descriptor.payload_root_hash.value


def _worktrees(ctx: Context, known: Ledger) -> dict[str, str]:
    """Return the registered worktrees, and those of the old log that lost only their registration."""
    now = {}
    for name in worktree.names(ctx.layout):
        with suppress(JvsError):
            now[ctx.worktree(name).worktree_id] = name
    return {**{key: name for key, name in known.worktrees.items() if name not in now.values()}, **now}


def _stands(ctx: Context, known: Ledger) -> dict[str, object]:
    """Return heads, labels and runs as they are on the disk: the log may have lost their last changes.

    A head that is not later than the log's is the log's. What differs from the log is named in ``adopted_heads`` and
    ``adopted_runs``.
    """
    heads: dict[str, dict[str, object]] = {}
    labels: dict[str, object] = {}
    for name in worktree.names(ctx.layout):
        with suppress(JvsError):
            record = ctx.worktree(name)
            logged = known.heads.get(record.worktree_id)
            later = logged is None or record.head.number > int(logged["number"])
            heads[record.worktree_id] = record.head.to_json() if logged is None or later else logged
            if record.labels:
                labels[record.worktree_id] = record.labels
    there = {}
    remains = known.removed_runs & set(runs.ids(ctx.layout))
    for run_id in runs.ids(ctx.layout):
        if run_id in remains:
            continue
        with suppress(JvsError, OSError):
            there[run_id] = runs.digest(regular.read_regular(runs.RUNS.place(ctx.layout, run_id)))
    return {
        "heads": {**known.heads, **heads},
        "labels": {**known.labels, **labels},
        "runs": {**known.runs, **there},
        "removed_runs": sorted(remains),
        "adopted_heads": sorted(key for key, head in heads.items() if head != known.heads.get(key)),
        "adopted_runs": sorted(key for key, digest in there.items() if digest != known.runs.get(key)),
    }


def _annotations(ctx: Context, known: Ledger) -> dict[str, object]:
    """Return the annotations that the log knew, and those that are there and that it did not know."""
    every = {key: dict(edits) for key, edits in known.annotations.items()}
    adopted = []
    for snapshot_id in annotation.ids(ctx.layout):
        with suppress(JvsError, OSError):
            there = {edit.number: edit for edit in annotation.read(ctx.layout, snapshot_id)}
            logged = every.get(snapshot_id, {})
            adopted += [f"{snapshot_id}/{number}" for number in sorted(there.keys() - logged.keys())]
            every[snapshot_id] = {**there, **logged}
    return {
        "annotations": [
            edits[number].to_json() for _, edits in sorted(every.items()) for number in sorted(edits)
        ],
        "adopted_annotations": adopted,
    }


def _new_folder(ctx: Context) -> Path:
    """Make a folder whose name stands after those of earlier ones."""
    name = _ASIDE + time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    number = 1
    while (folder := ctx.layout.audit / (name if number == 1 else f"{name}-{number:03d}")).exists():
        number += 1
    files.make_folder(folder, mode=ctx.layout.folder_mode)
    return folder


def _unnamed(ctx: Context, folders: Sequence[Path]) -> list[Path]:
    """Return those of ``folders`` that no record names: of repairs that were killed before they wrote it."""
    if not folders:
        return []
    named: set[str] = set()
    for line in chain(log_file.lines(ctx.layout), chain.from_iterable(map(_lines, folders))):
        if b'"set_aside"' in line:
            named.update(_named(line))
    return [folder for folder in folders if folder.name not in named]


def _named(line: bytes) -> list[str]:
    try:
        details = json.loads(line)["details"]
        return [str(name) for name in (details["set_aside"], *details.get("set_aside_before", []))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _missed(ctx: Context, folders: Sequence[Path]) -> list[Path]:
    """Return those of ``folders`` with lines that the log lacks; it has them if somebody put them back by hand."""
    found = []
    for folder in folders:
        lines = {sha256(line).digest() for line in _lines(folder)}
        lines.difference_update(sha256(line).digest() for line in log_file.lines(ctx.layout))
        if lines:
            found.append(folder)
    return found


def _lines(folder: Path) -> Iterator[bytes]:
    """Yield the lines of a log that was set aside, its oldest file first."""
    for path in [*sorted(folder.glob("audit-*.jsonl")), *folder.glob("audit.jsonl")]:
        with suppress(AuditChainBroken), log_file.open_file(path) as log:
            yield from log_file.lines_of(log)
