"""Planning a garbage collection: which snapshots nothing needs, or a policy does not keep, and what that gives back.

Its steps: ``read`` (descriptors), ``protect`` (what keeps which snapshot), ``measure`` (bytes), ``plan`` (written).
A plan removes nothing. Whatever cannot be read stops it, and so does a damaged log, or what the log knows and is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.records import annotation, kept, plans, tombstones
from jvs_core.errors import InputError
from jvs_core.model import Descriptor, KeptCopy, Plan
from jvs_core.operations.context import Context, step
from jvs_core.operations.durations import check_duration
from jvs_core.operations.gc import protection, retention
from jvs_core.operations.gc.protection import Protection
from jvs_core.operations.log import lost, report
from jvs_core.payload.engines.footprint import Footprint, shares_blocks
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import text
from jvs_core.progress import Progress
from jvs_core.results import GcCandidate, GcCopy, GcKept, GcPlan
from jvs_core.settings import RetentionPolicy
from jvs_core.wording import counted

_LOOKED_AT = 200_000
SHARED_NOTE = "an estimate: it also counts blocks that files share with other snapshots or with worktrees"
_LOWER_NOTE = f"a lower bound: JVS looked at only {_LOOKED_AT:,} entries"


@dataclass(frozen=True)
class Choice:
    """Which snapshots may go, newest first, and why each of the others stays."""

    candidates: list[str]
    kept: dict[str, list[str]]


@dataclass(frozen=True)
class Survey:
    """What there is at one moment: descriptors with edited notes and tags, what protects them, and what was removed before.

    ``logged`` has the ids in the order of the log.
    """

    known: dict[str, Descriptor]
    protected: Protection
    expired: set[str]
    logged: list[str]


def plan(ctx: Context, name: str | None, wanted: RetentionPolicy, progress: Progress) -> GcPlan:
    """Decide what a gc run may remove and write it down as a plan. See ``repository.gc.plan``."""
    policy = policy_of(ctx, name, wanted)
    found = survey(ctx, progress)
    choice = choose(found.known, found.protected, found.expired, policy, logged=found.logged)
    said = policy.model_dump(exclude_defaults=True)
    return written(ctx, choice, progress, policy=said, thinning=not retention.is_empty(policy))


def survey(ctx: Context, progress: Progress) -> Survey:
    """Read what a plan is made of. Raises where the log is damaged, or anything that may protect cannot be read."""
    with step(progress, "read"):
        report.require_sound(ctx)
        ledger = ledgers.read(ctx.layout)
        known = protection.descriptors(ctx.layout)
    with step(progress, "protect"), ctx.critical():
        lost.require_none(ctx, ledger)
        protection.refresh(ctx.layout, known)
        protected = protection.read(ctx.layout, known)
        expired = set(tombstones.TOMBSTONES.keys(ctx.layout))
        edited = set(annotation.ids(ctx.layout))
        known = {key: catalog.shown(ctx.layout, one, edited) for key, one in known.items()}
    return Survey(known, protected, expired, list(ledger.snapshots))


def written(
    ctx: Context,
    choice: Choice,
    progress: Progress,
    *,
    policy: dict[str, Any],
    thinning: bool,
    copies: Sequence[KeptCopy] = (),
    notes: Sequence[str] = (),
) -> GcPlan:
    """Measure what goes, write the plan, durable, and return it; ``notes`` are said beside those on the storage."""
    with step(progress, "measure", len(choice.candidates)):
        footprint = Footprint(_LOOKED_AT)
        candidates = []
        for snapshot_id in choice.candidates:
            freed = footprint.add(ctx.layout.payload(snapshot_id))
            candidates.append(GcCandidate(snapshot_id=snapshot_id, bytes=freed))
            progress.advanced()
    with step(progress, "plan"):
        record = Plan(
            plan_id=uuid.uuid4().hex[:12],
            created_at=clock.timestamp(),
            created_by=ctx.settings.holder_id,
            policy=policy,
            thinning=thinning,
            candidates=tuple(choice.candidates),
            copies=tuple(copy.copy_id for copy in copies),
        )
        with ctx.critical():
            plans.PLANS.create(ctx.layout, record)
    of_storage = [*storage_notes(ctx), *([] if footprint.complete else [_LOWER_NOTE])]
    return GcPlan(
        plan_id=record.plan_id,
        candidate_count=len(candidates),
        candidates=candidates,
        protected_by_pin=_count(choice, ("pin ", "lineage of a pin")),
        protected_by_lineage=_count(choice, ("lineage",), but="lineage of a pin"),
        protected_by_ref=_count(choice, ("ref ",)),
        kept=[GcKept(snapshot_id=key, reasons=reasons) for key, reasons in choice.kept.items()],
        deletable_bytes_estimate=sum(one.bytes for one in candidates) + sum(one.size for one in copies),
        notes=[*(of_storage if candidates or copies else []), *notes],
        copies=[GcCopy(copy_id=one.copy_id, path=text(kept.path_of(one)), bytes=one.size) for one in copies],
    )


def policy_of(ctx: Context, name: str | None, wanted: RetentionPolicy) -> RetentionPolicy:
    """Return the policy ``name`` of the configuration with what ``wanted`` sets in its place.

    Raises InputError for an unknown name, a duration that is none or an empty tag, which would keep nothing.
    """
    known = ctx.config.retention
    if name is not None and name not in known:
        have = ", ".join(sorted(known)) or "none; add [retention.NAME] to .jvs/config.toml"
        raise InputError(f"there is no retention policy {name!r}", hint=f"policies: {have}")
    base = known[name] if name is not None else RetentionPolicy()
    policy = base.model_copy(update=wanted.model_dump(exclude_defaults=True))
    if "" in policy.keep_tag:
        raise InputError(
            "the tag to keep is empty: no snapshot has it", hint="leave out --keep-tag, or name a tag"
        )
    if policy.keep_within:
        check_duration(policy.keep_within)
    return policy


def choose(
    known: dict[str, Descriptor],
    protected: Protection,
    expired: Iterable[str],
    policy: RetentionPolicy,
    *,
    logged: Sequence[str] = (),
) -> Choice:
    """Divide the snapshots ``known`` that are not ``expired`` into candidates and kept ones.

    Without a policy only what nothing needs, not even a descendant, is a candidate. A policy is applied to the
    snapshots of each worktree; what it does not keep is a candidate unless something names that very snapshot.
    ``logged`` has the ids in the order of the log.
    """
    gone = set(expired)
    whole = {
        found.snapshot_id: found for found in newest_first(known, logged) if found.snapshot_id not in gone
    }
    reasons: dict[str, list[str]] = {key: list(why) for key, why in protected.direct.items()}
    if retention.is_empty(policy):
        reasons.update(protected.lineage)
    else:
        worktrees: dict[str, list[Descriptor]] = {}
        for descriptor in whole.values():
            worktrees.setdefault(descriptor.worktree_id, []).append(descriptor)
        for snapshots in worktrees.values():
            for key, why in retention.kept(snapshots, policy).items():
                reasons.setdefault(key, []).extend(why)
    return Choice(
        candidates=[key for key in whole if key not in reasons],
        kept={key: reasons[key] for key in whole if key in reasons},
    )


def storage_notes(ctx: Context) -> list[str]:
    """Return what must be said beside a number of bytes given back here."""
    notes = [SHARED_NOTE] if shares_blocks(ctx.layout.control) else []
    mount = juicefs.mount_at(ctx.layout.control)
    if mount is not None:
        days = juicefs.trash_days(mount)
        if days is None:
            notes.append(
                "the JuiceFS volume may keep this space in its trash for some days (juicefs config shows TrashDays)"
            )
        elif days:
            notes.append(
                f"the JuiceFS volume keeps this space in its trash for {counted(days, 'more day')}; until then it is still used"
            )
    return notes


def newest_first(known: dict[str, Descriptor], logged: Sequence[str]) -> list[Descriptor]:
    """Return the snapshots in the order of the log, each after its descendants, whatever the clocks said.

    One that the log does not have stands before those of its time.
    """
    position = {key: number for number, key in enumerate(logged, 1)}
    order: dict[str, tuple[int, int]] = {}
    depth = protection.by_depth(known)
    for key in sorted(known, key=lambda key: (depth[key], key)):
        above, below = order.get(known[key].parent_snapshot_id or "", (0, 0))
        own = position.get(key, above)
        order[key] = (own, 0) if own > above else (above, below + 1)
    return [known[key] for key in sorted(known, key=lambda key: (order[key], key), reverse=True)]


def _count(choice: Choice, prefixes: tuple[str, ...], *, but: str | None = None) -> int:
    return sum(
        any(reason.startswith(prefixes) and reason != but for reason in reasons)
        for reasons in choice.kept.values()
    )
