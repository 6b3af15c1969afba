"""Mutants of leases, slots, sessions and critical sections."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, of

_TESTS = "tests/core/control/lock/test_lock.py"
_lock = of("jvs_core/control/lock/lock.py", f"{_TESTS}::test_a_lease_that_ran_out_is_refused").mutant
_lease = of("jvs_core/control/lock/lease.py", _TESTS).mutant
_takeover = of("jvs_core/control/lock/takeover.py", _TESTS).mutant
_leases = of("jvs_core/control/lock/lease_files.py", _TESTS).mutant
_slots = of("jvs_core/control/lock/slots.py", "tests/core/control/lock/test_slots.py").mutant
_critical = of("jvs_core/control/lock/critical.py", "tests/core/control/lock/test_critical.py").mutant
_file_lock = of("jvs_core/control/lock/file_lock.py", "tests/core/control/lock/test_critical.py").mutant
_session = of("jvs_core/control/lock/session.py", "tests/core/control/lock/test_session.py").mutant

MUTANTS: tuple[Mutant, ...] = (
    _takeover(
        "an own expired lease takes whatever lock is there",
        "own is not None and own.record == record and own.has_run_out()",
        "own is not None and own.has_run_out()",
        f"{_TESTS}::test_an_own_expired_lease_gives_no_right_to_the_lock_of_its_successor",
    ),
    _takeover(
        "an own lease is replaced before it has run out",
        "own is not None and own.record == record and own.has_run_out()",
        "own is not None and own.record == record",
        f"{_TESTS}::test_an_own_lease_that_has_not_run_out_is_not_replaced",
    ),
    _takeover(
        "the clocks may not differ",
        "if now > clock.parse(record.lease_expires_at) + record.max_clock_skew_ms + record.steal_grace_ms:",
        "if now > clock.parse(record.lease_expires_at) + record.steal_grace_ms:",
        f"{_TESTS}::test_an_expired_lock_is_taken_only_after_skew_and_grace",
    ),
    _takeover(
        "a lock is stolen one millisecond early",
        "if now > clock.parse(record.lease_expires_at) + record.max_clock_skew_ms + record.steal_grace_ms:",
        "if now >= clock.parse(record.lease_expires_at) + record.max_clock_skew_ms + record.steal_grace_ms:",
        f"{_TESTS}::test_an_expired_lock_is_taken_only_after_skew_and_grace",
    ),
    _takeover(
        "a lock renewed in the future is looked at no further",
        "if clock.parse(record.last_renewed_at) > now + record.max_clock_skew_ms:",
        "if False:",
        f"{_TESTS}::test_a_lock_renewed_in_the_future_is_not_stolen",
    ),
    _lock(
        "no second look after a lease was written",
        "if lease_files.tokens(layout, worktree_id, above=floor)[-1:] != [token]:",
        "if False:",
        f"{_TESTS}::test_one_that_was_stopped_between_creating_and_writing_has_no_lock",
    ),
    _lock(
        "tokens start anew where the lock files are gone",
        "token = max([floor, *given]) + 1",
        "token = max([0, *given]) + 1",
        f"{_TESTS}::test_tokens_start_above_the_heads_after_a_migration",
    ),
    _lock(
        "a renewal is not looked at again",
        "    check(layout, renewed)\n    return renewed",
        "    return renewed",
        f"{_TESTS}::test_a_lease_stolen_in_the_middle_of_its_renewal_is_refused",
    ),
    _lock("a lease never runs out", "    if lease.has_run_out():\n", "    if False:\n"),
    _lease(
        "a lease ends by the clock that anybody can set",
        "        if self.boot_id == clock.boot_id():\n",
        "        if False:\n",
        f"{_TESTS}::test_setting_the_wall_clock_back_does_not_lengthen_a_lease",
    ),
    _lock(
        "any secret proves a lease",
        "if found.secret_sha256 != _proof(lease.secret) or found.released_at is not None:",
        "if found.released_at is not None:",
        f"{_TESTS}::test_a_wrong_secret_is_refused",
    ),
    _lock(
        "a lease that was given back counts",
        "if found.secret_sha256 != _proof(lease.secret) or found.released_at is not None:",
        "if found.secret_sha256 != _proof(lease.secret):",
        f"{_TESTS}::test_a_lease_given_back_is_refused",
    ),
    _lock(
        "a higher token fences nobody",
        "if given and given[-1] > record.fencing_token:",
        "if False:",
        f"{_TESTS}::test_a_lease_taken_over_is_refused_and_the_successor_named",
    ),
    _lock(
        "a lease tidied away in the middle of a look is only gone",
        "    except FileNotFoundError as error:  # taken over, and its file tidied away, since the listing\n"
        "        _require_newest(layout, record)\n",
        "    except FileNotFoundError as error:\n",
        f"{_TESTS}::test_a_lease_tidied_away_in_the_middle_of_a_look_was_taken_over",
    ),
    _takeover(
        "an unwritten lock file blocks nobody",
        "if now <= created + config.duration_ms + config.max_clock_skew_ms + config.steal_grace_ms:",
        "if now <= created:",
        f"{_TESTS}::test_a_lock_file_that_is_not_written_yet_is_waited_for_as_long_as_a_lease",
    ),
    _leases(
        "any number far above counts",
        "token < LAST_TOKEN - _FAR and _is_lease(layout, worktree_id, token)",
        "token < LAST_TOKEN - _FAR",
    ),
    _leases(
        "a copy of a lease under another number counts",
        "return (record.fencing_token, record.worktree_id) == (token, worktree_id)",
        "return record.worktree_id == worktree_id",
        f"{_TESTS}::test_a_copy_of_a_lease_under_a_number_far_above_is_none",
    ),
    _leases(
        "the newest lease is tidied away",
        "[: -max(kept, 1)]",
        "[: -kept or None]",
        f"{_TESTS}::test_a_live_lease_is_not_tidied_away_and_what_is_young_among_them_neither",
    ),
    _leases(
        "a lease that is being written is tidied away",
        "if files.status(path).st_mtime < time.time() - _SETTLED_S:",
        "if True:",
        f"{_TESTS}::test_a_live_lease_is_not_tidied_away_and_what_is_young_among_them_neither",
    ),
    _slots("a torn slot is read", "hashlib.sha256(body).hexdigest().encode() != checksum", "False"),
    _slots("the slot in use is overwritten", "(number % 2) * SLOT_BYTES", "((number + 1) % 2) * SLOT_BYTES"),
    _slots(
        "updates do not wait for each other",
        '        file_lock.take(fd, path, deadline=time.monotonic() + _WAIT_S, wait_s=_WAIT_S, who="another process")\n',
        "",
    ),
    _slots("the older value is read", "return max(found", "return min(found"),
    _slots(
        "a value is not durable",
        "    if durable:\n        os.fdatasync(fd)",
        "    if False:\n        os.fdatasync(fd)",
        "tests/core/control/audit/test_writer.py::test_a_record_and_its_head_are_durable_when_the_append_returns",
    ),
    _critical(
        "the lock of a file that was removed counts",
        "            if _is_at(fd, path):\n",
        "            if True:\n",
    ),
    _critical("a section has no deadline", "if clock.boot_ms() >= deadline:", "if False:"),
    _critical("a section ends late", "if clock.boot_ms() >= deadline:", "if clock.boot_ms() > deadline:"),
    _critical(
        "what needs a section needs none",
        '        raise AssertionError(f"not in the critical section of {path}")',
        "        return",
    ),
    _file_lock("a forked child keeps the lock", "        unlock(fd)\n", "        pass\n"),
    _critical(
        "all threads share a section",
        "_HELD = threading.local()",
        "_HELD = type('Held', (), {})()",
    ),
    _session(
        "any lease is forgotten",
        "if lease is None or stored is None or stored.record.lock_id == lease.record.lock_id:",
        "if True:",
    ),
    _session("a secret may be read by all", "mode=0o600, durable=False", "mode=0o644, durable=False"),
    _session(
        "hosts share a session",
        "{worktree_id}.{settings.host}.{settings.session}",
        "{worktree_id}.{settings.session}",
    ),
)
