"""Planning an in-place restore: the steps from the worktree as it is to the snapshot, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jvs_core.model import Worktree
from jvs_core.operations.context import Context, step
from jvs_core.operations.stored import Stored
from jvs_core.payload.changes import excluded
from jvs_core.payload.changes.describe import describe
from jvs_core.payload.changes.difference import Changes, compare
from jvs_core.payload.inplace import converge
from jvs_core.payload.inplace.nested_repositories import require_free
from jvs_core.payload.inplace.obstacles import in_mounts, require_changeable
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.walk import Scan
from jvs_core.progress import Progress


@dataclass(frozen=True)
class Present:
    """A worktree as one scan found it: ``scan`` with all digests, ``found`` as the walk returned it.

    ``found`` is None where the operation does not remember its stat cache.
    """

    scan: Scan
    found: Scan | None


@dataclass(frozen=True)
class Way:
    """The plan of an in-place restore: steps from ``present``, the changes to show, and a line for each loss."""

    present: Present
    steps: converge.Steps
    changes: Changes
    given_up: Sequence[str]


def look(ctx: Context, name: str, progress: Progress) -> Present:
    """Scan worktree ``name``, with the digests of all files and attributes."""
    index = ctx.index(ctx.worktree(name).worktree_id)
    with step(progress, "scan"):
        scan = describe(
            ctx.layout.worktree(name),
            index,
            clock_folder=ctx.layout.control,
            with_attributes=True,
            exclude=ctx.exclude,
            progress=progress,
        )
    return Present(scan, index.latest if ctx.memory is not None else None)


def is_latest(ctx: Context, record: Worktree, present: Present) -> bool:
    """Return whether no later scan found other files: then a snapshot taken since has what ``present`` has."""
    return present.found is not None and ctx.index(record.worktree_id).latest is present.found


def find(ctx: Context, name: str, wanted: Stored, progress: Progress) -> Way:
    """Return the plan that makes worktree ``name`` equal to ``wanted``; the content to restore is checked.

    Nothing is changed. Raises PayloadHashMismatch, naming the paths, and EngineFailed where a repository, socket or
    device stands in the way, or something cannot be changed.
    """
    present = look(ctx, name, progress)
    with step(progress, "compare"):
        with ctx.bringing():
            here = {entry.path: entry for entry in present.scan.entries}
            asked = excluded.kept(wanted.entries, present.scan)
            entries, given_up = owned(asked, present=here, payload=wanted.payload)
        steps = converge.plan(present.scan, entries)
        require_free(present.scan, steps)
        require_changeable(present.scan, steps)
        changes = excluded.without(compare(present.scan.entries, entries), present.scan)
        wanted.require_sound(_as_stored(wanted, entries, steps.brought()))
    return Way(present, steps, changes, [*given_up, *in_mounts(present.scan, steps)])


def _as_stored(wanted: Stored, entries: Sequence[Entry], brought: Sequence[Entry]) -> Sequence[Entry]:
    """Return the entries to be ``brought`` as the manifest has them; in ``entries`` rights may be reduced."""
    if entries is wanted.entries:
        return brought
    stored = {entry.path: entry for entry in wanted.entries}
    return [stored[entry.path] for entry in brought]
