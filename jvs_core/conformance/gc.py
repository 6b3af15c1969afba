"""Requirements of gc: it never removes what is needed, never acts on an outdated plan, never guesses what it cannot read."""

from __future__ import annotations

from jvs_core.conformance.requirement import Chapter, Facts, Scene, demand, refused
from jvs_core.control.layout import Layout
from jvs_core.repository import Repository

removal = Chapter("gc")


def _history(scene: Scene) -> tuple[Repository, list[str]]:
    """Return a repository with three snapshots in a line, oldest first."""
    repo, made = scene.repository(), []
    for number in range(3):
        (repo.root / "main" / "notes.txt").write_text(f"{number}")
        made.append(repo.snapshot(f"{number}", lock=True).snapshot_id)
    return repo, made


@removal("needed-kept", "Without a policy, nothing that a head, ref, pin or lineage needs is a candidate")
def _needed_kept(scene: Scene) -> None:
    repo, made = _history(scene)
    demand(repo.gc.plan().candidate_count == 0, "the plan would remove a snapshot of the lineage")
    repo.refs.create("base", made[0])
    repo.pins.create(made[1], reason="kept")
    plan = repo.gc.plan(keep_last=1)
    demand(not plan.candidates, f"{[found.snapshot_id for found in plan.candidates]} are to go")
    repo.gc.run(plan.plan_id)
    demand(repo.verify(every=True).ok, "the repository does not verify after a gc run that removed nothing")


@removal("thinned", "A thinned snapshot stays in the history, cannot be restored, and lineage and log verify")
def _thinned(scene: Scene) -> Facts:
    repo, made = _history(scene)
    plan = repo.gc.plan(keep_last=1)
    demand([found.snapshot_id for found in plan.candidates], "the plan has no candidate")
    done = repo.gc.run(plan.plan_id)
    demand(sorted(done.deleted) == made[:2], f"removed were {done.deleted}")
    demand(
        [item.expired for item in repo.history()] == [False, True, True],
        "the history does not mark exactly the removed snapshots as expired",
    )
    with refused("E_SNAPSHOT_EXPIRED"):
        repo.restore(made[0])
    demand(repo.verify(every=True).ok, "the repository does not verify afterwards")
    demand(repo.doctor(strict=True).healthy, "the repository is not healthy afterwards")
    return {"removed": len(done.deleted), "reclaimed_bytes": done.reclaimed_bytes}


@removal("plan-overtaken", "JVS refuses a plan after a new ref or pin, and removes nothing")
def _plan_overtaken(scene: Scene) -> None:
    repo, made = _history(scene)
    plan = repo.gc.plan(keep_last=1)
    repo.refs.create("late", made[0])
    with refused("E_GC_PLAN_MISMATCH"):
        repo.gc.run(plan.plan_id)
    demand(not any(item.expired for item in repo.history()), "something was removed")
    with refused("E_PLAN_NOT_FOUND"):
        repo.gc.run("0123456789ab")


@removal("fails-closed", "If a ref or pin is unreadable, JVS plans nothing and removes nothing")
def _fails_closed(scene: Scene) -> None:
    repo, made = _history(scene)
    plan = repo.gc.plan(keep_last=1)
    repo.refs.create("base", made[2])
    (repo.root / ".jvs" / "refs" / "base.json").write_text("{")
    with refused("E_REF_BROKEN", "E_DESCRIPTOR_CORRUPT"):
        repo.gc.plan(keep_last=1)
    with refused("E_REF_BROKEN", "E_DESCRIPTOR_CORRUPT"):
        repo.gc.run(plan.plan_id)
    layout = Layout(repo.root)
    demand(all(layout.payload(snapshot_id).is_dir() for snapshot_id in made), "something was removed")
