"""Thinning out automatic snapshots, by collections of gc: bounded, audited, each carried out or taken back after a crash."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from jvs_core import clock
from jvs_core.control.records import annotation, kept, plans, runs
from jvs_core.errors import GcPlanMismatch, JvsError
from jvs_core.model import Descriptor, KeptCopy, Plan
from jvs_core.operations import change_index, kept_removal
from jvs_core.operations.change_index import ChangeIndex
from jvs_core.operations.context import Context, step
from jvs_core.operations.gc import protection, reserve, running
from jvs_core.operations.timeline.standing import settings
from jvs_core.operations.timeline.versions import given_up, last_of_lost, versions
from jvs_core.operations.timeline.words import kept_by
from jvs_core.progress import Progress
from jvs_core.results import GcRun, Thinned
from jvs_core.settings import TimelineConfig
from jvs_core.wording import counted

_AUTO = "auto"
_DAY_MS = 86_400_000
# The tags by which JVS marks automatic snapshots that it takes in notebooks; any other is somebody's.
_OWN_TAGS = re.compile(r"auto|cell-[0-9]+")


@dataclass
class _Choice:
    """What goes: by the words, and for want of space; and how many bytes the rest took, where there was too little."""

    by_words: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    copies: list[KeptCopy] = field(default_factory=list)
    used: int = 0


def thin(ctx: Context, name: str, *, every: bool, most: int, progress: Progress) -> Thinned:
    """Remove up to ``most`` automatic snapshots of worktree ``name``, or of all. See ``Timeline.thin``."""
    config = settings(ctx)
    finished = _finish_begun(ctx, progress)
    copies, freed = kept_removal.purge(ctx, config.deleted_days, most)
    with change_index.opened(ctx, progress) as index:
        choice = _choose(ctx, index, config, None if every else ctx.worktree(name).worktree_id)
    gone, freed_more = kept_removal.remove(ctx, choice.copies[:most])
    going = sorted((*choice.by_words, *choice.given_up))[:most]
    done = [*finished, *([_collect(ctx, config, going, progress)] if going else [])]
    deleted = sorted(each for run in done for each in run.deleted)
    return Thinned(
        deleted=deleted,
        given_up=[each for each in choice.given_up if each in deleted],
        copies=[*copies, *gone],
        plans=[run.plan_id for run in done],
        reclaimed_bytes=freed + freed_more + sum(run.reclaimed_bytes for run in done),
        more=len(choice.by_words) + len(choice.given_up) > len(going) or len(choice.copies) > most,
        notes=[*_said(choice, config), *(note for run in done for note in run.notes)],
    )


def _choose(ctx: Context, index: ChangeIndex, config: TimelineConfig, worktree_id: str | None) -> _Choice:
    now_ms = clock.now_ms()
    autos: dict[str, list[str]] = {}
    for snapshot_id in index.bases:
        about = index.about[snapshot_id]
        if about.kind == _AUTO and worktree_id in (None, about.worktree_id):
            autos.setdefault(about.worktree_id, []).append(snapshot_id)
    own = {each for found in autos.values() for each in found}
    stay = {each for found in autos.values() for each in kept_by(config.tiers, found, now_ms)}
    copies = {copy.copy_id: copy for copy in _copies(ctx, worktree_id)}
    limit = _limit(ctx, config)
    found = list(versions(index))
    sizes = {copy_id: copy.size for copy_id, copy in copies.items()}
    if own == stay and given_up(found, (), own, sizes, limit)[1] <= limit:
        return _Choice()
    free = own - _needed(ctx, own)
    kept_ids = (index.bases.keys() - free) | (stay & free)
    since_ms = now_ms - config.deleted_days * _DAY_MS
    kept_ids |= last_of_lost(found, kept_ids, lambda snapshot_id: int(snapshot_id[:13]) >= since_ms)
    by_words = free - kept_ids
    oldest, used = given_up(found, by_words, free & kept_ids, sizes, limit)
    return _Choice(
        by_words=sorted(by_words),
        given_up=[each for each in oldest if each not in copies],
        copies=[copies[each] for each in oldest if each in copies],
        used=used,
    )


def _needed(ctx: Context, own: set[str]) -> set[str]:
    """Return those that something names: a head, ref, pin, intent, run, or a person by note or tag.

    So are those whose descriptor does not say that they are automatic: the index saves time, and decides nothing alone.
    """
    known = protection.descriptors(ctx.layout)
    with ctx.critical():
        protection.refresh(ctx.layout, known)
        needed = set(protection.read(ctx.layout, known).direct)
        needed.update(annotation.ids(ctx.layout))
    needed.update(key for key in own if key not in known or not _is_nobodys(known[key]))
    for run in runs.read_all(ctx.layout)[0]:
        needed.update(each for each in (run.before_snapshot_id, run.after_snapshot_id) if each is not None)
    return needed & own


def _is_nobodys(descriptor: Descriptor) -> bool:
    return descriptor.kind == _AUTO and all(_OWN_TAGS.fullmatch(tag) for tag in descriptor.tags)


def _copies(ctx: Context, worktree_id: str | None) -> list[KeptCopy]:
    chosen = kept.worktrees(ctx.layout) if worktree_id is None else [worktree_id]
    return [copy for each in chosen for copy in kept.readable(ctx.layout, each)[0]]


def _limit(ctx: Context, config: TimelineConfig) -> int:
    found = os.statvfs(ctx.layout.control)
    return found.f_blocks * found.f_frsize * config.space_percent // 100


def _said(choice: _Choice, config: TimelineConfig) -> list[str]:
    if not choice.given_up and not choice.copies:
        return []
    what = [counted(len(choice.given_up), "automatic snapshot")] if choice.given_up else []
    what += [counted(len(choice.copies), "kept copy", "kept copies")] if choice.copies else []
    took = f"automatic history takes {choice.used / 2**30:.1f} GiB, more than {config.space_percent} % of the file system"
    return [f"{took}: the oldest {' and '.join(what)} are removed early"]


def _collect(ctx: Context, config: TimelineConfig, going: Sequence[str], progress: Progress) -> GcRun:
    """Remove snapshots by a plan of their own, which goes when it was carried out."""

    def work() -> GcRun:
        with step(progress, "plan"):
            plan = Plan(
                plan_id=uuid.uuid4().hex[:12],
                created_at=clock.timestamp(),
                created_by=ctx.settings.holder_id,
                policy={plans.TIMELINE: config.keep},
                thinning=True,
                candidates=tuple(going),
            )
            with ctx.critical():
                plans.PLANS.create(ctx.layout, plan)
        return _carried_out(ctx, plan.plan_id, progress)

    return reserve.spending(ctx.layout, work)


def _carried_out(ctx: Context, plan_id: str, progress: Progress) -> GcRun:
    try:
        done = running.run(ctx, plan_id, progress)
    except GcPlanMismatch:
        _forget(ctx, plan_id)
        raise
    if not done.failed:
        _forget(ctx, plan_id)
    return done


def _forget(ctx: Context, plan_id: str) -> None:
    with ctx.critical():
        plans.PLANS.remove(ctx.layout, plan_id, missing_ok=True)


def _finish_begun(ctx: Context, progress: Progress) -> list[GcRun]:
    """Carry on with collections that were cut short, of the caller's own; one that was overtaken by events is forgotten."""
    done = []
    for plan_id in plans.PLANS.keys(ctx.layout):
        with suppress(JvsError):
            plan = plans.PLANS.find_own(ctx.layout, plan_id)
            if plan is not None and plans.TIMELINE in plan.policy:
                with suppress(GcPlanMismatch):
                    done.append(_carried_out(ctx, plan_id, progress))
    return done
