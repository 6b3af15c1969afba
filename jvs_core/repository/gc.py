"""``repository.gc``: removing snapshots that nothing needs, or that a policy does not keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.errors import InputError
from jvs_core.faults import translated
from jvs_core.progress import SILENT, Progress
from jvs_core.settings import RetentionPolicy, parse_policy

if TYPE_CHECKING:
    from jvs_core.operations.context import Context
    from jvs_core.results import GcPlan, GcRun


class Gc:
    """Garbage collection in two steps: a plan says what would go, and a run of exactly this plan removes it."""

    def __init__(self, context: Context, worktree: str) -> None:
        self._context = context
        self._worktree = worktree

    @translated
    def plan(
        self,
        policy: str | None = None,
        *,
        keep_last: int | None = None,
        keep_hourly: int | None = None,
        keep_daily: int | None = None,
        keep_weekly: int | None = None,
        keep_monthly: int | None = None,
        keep_yearly: int | None = None,
        keep_within: str | None = None,
        keep_tag: Iterable[str] = (),
        drop: Iterable[str] = (),
        worktree: str | None = None,
        progress: Progress = SILENT,
    ) -> GcPlan:
        """Decide what a run may remove, and remove nothing.

        ``policy`` names a policy of the configuration; each ``keep_…`` takes the place of its value. With neither, a
        candidate is only what no head, ref, pin, intent or lineage needs. A policy thins out a history; the
        descriptors that its lineage needs stay as stubs.

        ``drop`` removes payload and manifest of the snapshots named, anywhere in the lineage, and nothing else. Their
        descriptors stay as stubs, even if nothing descends from them. An id of a kept copy of a file (see
        ``timeline.copies``) names that copy. ``HEAD`` is that of ``worktree``.

        Raises
        ------
        InputError
            The policy is not known, a value makes no sense, or ``drop`` goes with a policy.
        GcPlanMismatch
            A head, ref, pin, undo or something under way needs a snapshot that is to be dropped; the hint says what to do.
        SnapshotNotFound, SnapshotExpired
            There is none to drop, or it was removed before.
        DescriptorCorrupt, RefBroken, LineageBroken
            Something that may protect a snapshot cannot be read; nothing is planned.
        """
        named = list(drop)
        wanted = parse_policy(
            keep_last=keep_last,
            keep_hourly=keep_hourly,
            keep_daily=keep_daily,
            keep_weekly=keep_weekly,
            keep_monthly=keep_monthly,
            keep_yearly=keep_yearly,
            keep_within=keep_within,
            keep_tag=list(keep_tag),
        )
        ctx = self._context
        if named:
            if policy is not None or wanted != RetentionPolicy():
                raise InputError(
                    "a plan can drop snapshots or follow a policy, not both", hint="make two plans"
                )
            seen_from = worktree or self._worktree
            return operations.gc.reserve.spending(
                ctx.layout, lambda: operations.gc.dropping.plan(ctx, seen_from, named, progress)
            )
        return operations.gc.reserve.spending(
            ctx.layout, lambda: operations.gc.planning.plan(ctx, policy, wanted, progress)
        )

    @translated
    def run(self, plan_id: str, *, progress: Progress = SILENT) -> GcRun:
        """Carry out a plan. Killed at any moment, it is completed by running it again.

        Raises
        ------
        PlanNotFound
            There is no such plan.
        GcPlanMismatch
            Something that appeared since needs a snapshot of the plan; nothing was deleted.
        DescriptorCorrupt, RefBroken, LineageBroken
            Something that may protect a snapshot cannot be read; nothing was deleted.
        FencingMismatch
            This process was stopped for so long that it went no further.
        """
        ctx = self._context
        return operations.gc.reserve.spending(
            ctx.layout, lambda: operations.gc.running.run(ctx, plan_id, progress)
        )

    @translated
    def reserve(self) -> None:
        """Reserve enough space for a collection to start on a full disk; every collection does so too."""
        operations.gc.reserve.keep(self._context.layout)
