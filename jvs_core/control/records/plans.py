"""Plans: what a gc run is to remove, as decided at one moment."""

from __future__ import annotations

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.control.records.register import Register
from jvs_core.errors import GcPlanMismatch, PlanNotFound
from jvs_core.model import SHORT_ID, Plan

PLANS = Register("gc/plans", Plan, "plan_id", SHORT_ID, "gc plan {}", carried_out=True)

TIMELINE = "timeline"
"""The word of a plan's policy that says it thins out automatic snapshots, so that what a person edited stays."""

DROP = "drop"
"""The word of a plan's policy that says a person named each snapshot, so that its descriptor stays, whatever descends from it."""


def read(layout: Layout, plan_id: str) -> Plan:
    """Return a plan. Raises PlanNotFound, or DescriptorCorrupt when it is unreadable."""
    plan = PLANS.find(layout, plan_id)
    if plan is None:
        raise PlanNotFound(f"no gc plan {plan_id!r}", hint="make one with: jvs gc plan")
    return plan


def to_carry_out(layout: Layout, plan_id: str) -> Plan:
    """Return a plan of the caller's own: nobody deletes what another user wrote down.

    Raises PlanNotFound, GcPlanMismatch, or DescriptorCorrupt when it is unreadable.
    """
    plan = PLANS.find_own(layout, plan_id)
    if plan is None:
        read(layout, plan_id)
        raise GcPlanMismatch(
            f"gc plan {plan_id} belongs to another user, or others can write it; JVS deleted nothing",
            hint="make your own with: jvs gc plan",
        )
    return plan


def finish(layout: Layout, plan: Plan) -> None:
    """Mark a plan as carried out, durable; in the critical section."""
    PLANS.replace(layout, plan.changed(finished_at=clock.timestamp()))


def keeping_tags(plan: Plan) -> set[str]:
    """Return the tags that a plan's policy keeps snapshots by; what else a forged one may say there is none."""
    tags = plan.policy.get("keep_tag")
    return {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list | tuple) else set()
