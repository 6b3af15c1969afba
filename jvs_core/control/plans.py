"""Plans: what a gc run is to remove, as decided at one moment."""

from __future__ import annotations

import re
from pathlib import Path

from jvs_core import canonical, clock, files, regular
from jvs_core.control.layout import Layout
from jvs_core.errors import PlanNotFound
from jvs_core.model import Plan

_ID = re.compile("[0-9a-f]{12}")


def create(layout: Layout, plan: Plan) -> None:
    """Write a new plan, durable."""
    files.create_atomic(_path(layout, plan.plan_id), _encode(plan), mode=layout.file_mode)


def ids(layout: Layout) -> list[str]:
    """Return the ids of all plans, readable or not."""
    names = layout.listing(layout.gc / "plans")
    return sorted(name[:-5] for name in names if name.endswith(".json") and _ID.fullmatch(name[:-5]))


def read(layout: Layout, plan_id: str) -> Plan:
    """Return a plan. Raises PlanNotFound, or DescriptorCorrupt when it is unreadable."""
    try:
        if _ID.fullmatch(plan_id) is None:
            raise FileNotFoundError
        data = regular.read_regular(_path(layout, plan_id))
    except FileNotFoundError as error:
        raise PlanNotFound(f"no gc plan {plan_id!r}", hint="make one with: jvs gc plan") from error
    return Plan.parse(data, f"gc plan {plan_id}")


def finish(layout: Layout, plan: Plan) -> None:
    """Mark a plan as carried out, durable."""
    data = _encode(plan.changed(finished_at=clock.timestamp()))
    files.write_atomic(_path(layout, plan.plan_id), data, mode=layout.file_mode)


def remove(layout: Layout, plan_id: str) -> None:
    """Remove a plan, readable or not, durable."""
    files.remove_file(_path(layout, plan_id))


def _path(layout: Layout, plan_id: str) -> Path:
    return layout.gc / "plans" / f"{plan_id}.json"


def _encode(plan: Plan) -> bytes:
    return canonical.dumps(plan.to_json()) + b"\n"
