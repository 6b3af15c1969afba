"""Mutants of what a person asks for: publishing, gc, restores in place, and mending the log."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, of

_PUBLISH = "tests/core/operations/test_publish.py"
_PROTECTION = "tests/core/operations/gc/test_protection.py"
_KILLED = "tests/core/operations/inplace/test_after_killed.py"
_GC = "tests/core/operations/gc/test_gc.py"
_preparation = of("jvs_core/operations/preparation.py", _PUBLISH).mutant
_publish = of("jvs_core/operations/publish.py", _PUBLISH).mutant
_protection = of("jvs_core/operations/gc/protection.py", _PROTECTION).mutant
_running = of("jvs_core/operations/gc/running.py", _PROTECTION).mutant
_aftermath = of("jvs_core/operations/gc/aftermath.py", _PROTECTION).mutant
_planning = of("jvs_core/operations/gc/planning.py", _PROTECTION).mutant
_restoring = of("jvs_core/operations/inplace/restoring.py", _KILLED).mutant
_undoing = of("jvs_core/operations/inplace/undoing.py", _KILLED).mutant
_path = of("jvs_core/operations/inplace/path_restore.py", _KILLED).mutant
_pending = of("jvs_core/operations/inplace/pending.py", _KILLED).mutant
_unfinished = of("jvs_core/operations/inplace/unfinished.py", _KILLED).mutant
_repair = of(
    "jvs_core/operations/doctor/log_repair.py", "tests/core/operations/doctor/test_log_repair.py"
).mutant
_subsets = of("jvs_core/operations/subsets.py", "tests/core/operations/test_subsets.py").mutant
_damage = of("jvs_core/operations/damage.py", "tests/core/operations/test_subsets.py").mutant
_selecting = of("jvs_core/operations/selecting.py", "tests/core/operations/test_selecting.py").mutant
_lost = of("jvs_core/operations/log/lost.py", "tests/core/operations/log/test_lost.py").mutant

MUTANTS: tuple[Mutant, ...] = (
    _subsets(
        "damage that another share showed is not reported",
        "_said(each, share, damaged.get(each.snapshot_id))",
        "_said(each, share, None)",
    ),
    _subsets(
        "a damaged snapshot counts as read",
        "set(catalog.ids(ctx.layout)) - critical",
        "set(catalog.ids(ctx.layout))",
    ),
    _damage(
        "a share that is sound lets damage be forgotten",
        "            if whole and report.severity",
        "            if report.severity",
    ),
    _selecting(
        "a descriptor that was changed decides",
        '        if descriptor.integrity_state == "corrupt":\n',
        "        if False:\n",
    ),
    _publish(
        "a snapshot is published though its head moved",
        "                _require_unmoved(new)\n",
        "",
    ),
    _publish(
        "a snapshot is published into another worktree of the name",
        "if (now.worktree_id, now.head.number) != (new.record.worktree_id, new.record.head.number):",
        "if now.head.number != new.record.head.number:",
    ),
    _publish(
        "a snapshot is published by the dead",
        "                journal.require(ctx.layout, intent)\n                _require_unmoved",
        "                _require_unmoved",
    ),
    _publish(
        "a fenced snapshot is left in place",
        "            _withdraw(new, intent)\n",
        "            pass\n",
    ),
    _publish(
        "what the log knows is taken back",
        "        if new.snapshot_id in ledger.read(layout).snapshots:\n            return\n",
        "",
    ),
    _preparation(
        "a snapshot gets its name before it is durable",
        "        sync([new.draft, new.draft.parent, marker, new.temporary])\n",
        "",
    ),
    _publish(
        "the name of a snapshot is not durable",
        "                syncing.sync_folder(ctx.layout.snapshots)\n",
        "",
    ),
    _publish(
        "a lease is not looked at before publishing",
        '            with new.step("fence"):\n                locking.check(ctx, lease)\n',
        '            with new.step("fence"):\n',
    ),
    _publish(
        "a lease is not looked at before the head moves",
        '                with new.step("head"):\n                    locking.check(ctx, lease)\n',
        '                with new.step("head"):\n',
    ),
    _protection(
        "a claim to what is missing is none",
        "        if snapshot_id not in known:\n            raise LineageBroken(",
        "        if snapshot_id not in known:\n            return\n            raise LineageBroken(",
    ),
    _protection(
        "a lineage in a circle has a depth",
        '                raise LineageBroken(f"the lineage of {start} contains a loop", hint="jvs doctor")\n',
        "                break\n",
    ),
    _protection(
        "ancestors are followed in a circle",
        "while parent is not None and parent not in found:",
        "while parent is not None:",
    ),
    _protection(
        "a missing parent ends the line", "                if strict:\n", "                if False:\n"
    ),
    _protection(
        "what was published meanwhile is not read",
        "            known[snapshot_id] = catalog.read(layout, snapshot_id)\n",
        "            pass\n",
    ),
    _protection(
        "a pin that is over protects", "        if not pins.has_expired(pin):\n", "        if True:\n"
    ),
    _protection(
        "an undo protects nothing",
        "            if point.head_snapshot_id is not None and now <",
        "            if False and now <",
    ),
    _protection(
        "intents that cannot be read are none",
        "    if unreadable:\n        raise DescriptorCorrupt(",
        "    if False:\n        raise DescriptorCorrupt(",
        f"{_GC}::test_whatever_cannot_be_read_stops_plan_and_run",
    ),
    _protection(
        "intents protect nothing",
        "            if value in known:\n",
        "            if False:\n",
        f"{_GC}::test_what_appears_after_the_plan_stops_the_run_and_nothing_is_deleted",
    ),
    _protection(
        "main need not be registered",
        "    if MAIN not in names:\n",
        "    if False:\n",
        f"{_PROTECTION}::test_where_main_is_not_registered_nothing_is_protected_so_gc_stops",
    ),
    _running(
        "a run does not look again",
        "            refused = _refused(ctx, plan, state, state.waiting if all_or_nothing else batch)\n",
        "            refused: dict[str, JvsError] = {}\n",
        f"{_GC}::test_what_appears_after_the_plan_stops_the_run_and_nothing_is_deleted",
    ),
    _running(
        "a run does not see what was published meanwhile",
        "    protection.refresh(ctx.layout, state.known)\n",
        "",
    ),
    _running(
        "a run deletes before it is logged",
        '            if going:\n                ctx.audit(RUN_INTENT, target=plan.plan_id, details={"deleted": sorted(going)})\n',
        "",
        f"{_GC}::test_a_run_killed_at_any_step_is_completed_by_running_it_again",
    ),
    _running(
        "a damaged snapshot is rubbish",
        "if ctx.layout.snapshot(key).is_dir() or ctx.layout.trash(key).is_dir():",
        "if True:",
        f"{_GC}::test_a_snapshot_that_is_damaged_is_no_rubbish",
    ),
    _running(
        "a run that slept moves snapshots away",
        "                critical.require(ctx.layout.repository_lock)\n                if ctx.layout.snapshot(key)",
        "                if ctx.layout.snapshot(key)",
        f"{_PROTECTION}::test_a_run_that_sleeps_in_its_critical_section_goes_no_further",
    ),
    _planning(
        "a plan does not see what was published meanwhile",
        "        protection.refresh(ctx.layout, known)\n",
        "",
    ),
    _planning(
        "a plan is made of what the log has lost",
        "        lost.require_none(ctx, ledger)\n",
        "",
        f"{_GC}::test_what_the_log_knows_and_is_lost_stops_plan_and_run",
    ),
    _aftermath(
        "a tombstone of another snapshot is believed",
        "            descriptor.snapshot_id == tombstone.snapshot_id\n            and ",
        "            ",
    ),
    _aftermath(
        "a tombstone with a wrong checksum is believed",
        "            and descriptor.descriptor_checksum == catalog.checksum(descriptor)\n",
        "",
    ),
    _aftermath(
        "a tombstone that the log denies is believed", "            and _is_logged(descriptor, ledger)\n", ""
    ),
    _undoing(
        "an undo leaves a killed restore",
        "    with locks.writing(ctx, name, locking, purpose=operation) as lease:\n        unfinished.require_none_of_another(ctx, name)\n        pending.finish_pending(ctx, name, lease, progress)\n",
        "    with locks.writing(ctx, name, locking, purpose=operation) as lease:\n        unfinished.require_none_of_another(ctx, name)\n",
    ),
    _restoring(
        "a restore leaves a killed one",
        '    with locks.writing(ctx, name, locking, purpose="restore") as lease:\n        unfinished.require_none_of_another(ctx, name)\n        pending.finish_pending(ctx, name, lease, progress)\n',
        '    with locks.writing(ctx, name, locking, purpose="restore") as lease:\n        unfinished.require_none_of_another(ctx, name)\n',
    ),
    _path(
        "a restore of a path leaves a killed one",
        "        pending.finish_pending(ctx, name, lease, progress)\n",
        "",
    ),
    _pending(
        "edits made after a kill are replaced",
        "            kept = [*completion.save_later_edits(), *completion.bring(wanted)]\n",
        "            kept = completion.bring(wanted)\n",
    ),
    _pending(
        "a restore that was overtaken is carried out",
        "            if not stands(intent, ctx.worktree(name).head):\n",
        "            if False:\n",
    ),
    _pending(
        "a restore into another worktree is carried out",
        "        if intent.worktree_id == record.worktree_id\n        and journal.is_own(intent)\n",
        "        if journal.is_own(intent)\n",
    ),
    _unfinished(
        "a head of another lease is a restore's own",
        "if head.operation not in MOVING or head.fencing_token != intent.fencing_token:",
        "if head.operation not in MOVING:",
    ),
    _unfinished(
        "a head of any operation is a restore's own",
        "if head.operation not in MOVING or head.fencing_token != intent.fencing_token:",
        "if head.fencing_token != intent.fencing_token:",
    ),
    _unfinished("the head that was seen is a restore's own", "in range(1, 2 + own)", "in range(2 + own)"),
    _unfinished(
        "a later head still stands",
        "    return head.number == seen or (own",
        "    return head.number >= seen or (own",
    ),
    _pending(
        "a head that a killed restore moved is not logged",
        "            log_own_head(ctx, name, intent)\n",
        "            pass\n",
    ),
    _repair(
        "a set aside log is not read",
        "before=chain.from_iterable(map(_lines, later))",
        "before=()",
    ),
    _repair(
        "refs that the log knew are forgotten", '"refs": {**refs_now, **known.refs},', '"refs": refs_now,'
    ),
    _repair(
        "a whole snapshot that the log does not know is forgotten",
        "            found[key] = _hashes(descriptor)\n    return found\n\n\ndef _removals",
        "            pass\n    return found\n\n\ndef _removals",
    ),
    _repair(
        "an older head of the log replaces the one that is there",
        'later = logged is None or record.head.number > int(logged["number"])',
        "later = logged is None",
    ),
    _lost(
        "what is lost is not looked at again",
        "    return [loss for loss in found if loss in again]",
        "    return found",
    ),
)
