"""Mutants of the audit log: writing it, checking it, and what it says."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, of

_AUDIT = "tests/core/control/audit"
_writer = of("jvs_core/control/audit/writer.py", f"{_AUDIT}/test_writer.py").mutant
_chain = of("jvs_core/control/audit/chain.py", f"{_AUDIT}/test_chain.py").mutant
_log_file = of(
    "jvs_core/control/audit/log_file.py", f"{_AUDIT}/test_chain.py", f"{_AUDIT}/test_writer.py"
).mutant
_checkpoint = of("jvs_core/control/audit/checkpoint.py", f"{_AUDIT}/test_checkpoint.py").mutant
_ledger = of("jvs_core/control/audit/ledger.py", "tests/hostile/test_suspended.py").mutant
_LOST = f"{_AUDIT}/test_writer.py::test_a_head_that_is_lost_is_rebuilt_with_the_number_of_the_newest_record"
_TORN = f"{_AUDIT}/test_writer.py::test_a_record_behind_a_torn_line_is_not_lost"

MUTANTS: tuple[Mutant, ...] = (
    _writer(
        "a lost head begins anew", '"seq": found.seq, "head_hash"', '"seq": found.seq - 1, "head_hash"', _LOST
    ),
    _writer("a lost head forgets the chain", '"head_hash": found.record_hash}', '"head_hash": ""}', _LOST),
    _writer(
        "a lost head is rebuilt from the oldest file", "in log_files(layout)[::-1]:", "in log_files(layout):"
    ),
    _writer(
        "a lost head is rebuilt up to the torn line",
        "            for line in lines_of(log):\n                with suppress(AuditChainBroken):\n                    found = parse_line(line)\n",
        "            for line in lines_of(log):\n                found = parse_line(line)\n",
        _TORN,
    ),
    _writer(
        "what stands behind a torn line is cut off",
        '            except AuditChainBroken:\n                return {**head, "size": path.stat().st_size}\n',
        '            except AuditChainBroken:\n                _truncate(path, head["size"])\n                return head\n',
        _TORN,
    ),
    _writer("a half written line stays", '                _truncate(path, head["size"])\n', ""),
    _writer(
        "a record whose head was not written is forgotten",
        'return _roll_forward(path, head) if size > head["size"] else head',
        "return head",
    ),
    _writer(
        "a record of any number becomes the head",
        'if record.seq != head["seq"] + 1 or record.prev_hash != head["head_hash"]:',
        'if record.prev_hash != head["head_hash"]:',
    ),
    _writer(
        "a record of another chain becomes the head",
        'if record.seq != head["seq"] + 1 or record.prev_hash != head["head_hash"]:',
        'if record.seq != head["seq"] + 1:',
    ),
    _writer(
        "a record is not durable",
        "            files.write_all(fd, line)\n            os.fsync(fd)\n",
        "            files.write_all(fd, line)\n",
    ),
    _writer(
        "a full disk leaves a part of a record",
        "                os.ftruncate(fd, end)\n            raise",
        "                pass\n            raise",
    ),
    _writer("a record joins a torn line", '            line = b"\\n" + line\n', "            pass\n"),
    _writer(
        "a crash after a rotation is forgotten", 'if rotated_path(layout, head["seq"]).exists():', "if False:"
    ),
    _chain(
        "a record may be replaced",
        "elif self.hash is not None and record.prev_hash != self.hash:",
        "elif False:",
    ),
    _chain("records may be missing", "        if record.seq > self.seq + 1:\n", "        if False:\n"),
    _chain(
        "records may be repeated",
        "        if record.seq <= self.seq:\n",
        "        if record.seq < self.seq:\n",
    ),
    _chain("the end may be cut", 'if self.seq < head["seq"]:', "if False:"),
    _chain(
        "the last record may be another",
        'elif head["seq"] and self.at_head not in (None, head["head_hash"]):',
        "elif False:",
    ),
    _chain(
        "the head may be another repository's",
        'if head["origin"] != repo_id:',
        "if False:",
        f"{_AUDIT}/test_writer.py",
    ),
    _chain(
        "a log may be rolled back behind a checkpoint",
        "elif self.seq < since.seq:",
        "elif False:",
        f"{_AUDIT}/test_checkpoint.py",
        f"{_AUDIT}/test_chain.py",
    ),
    _chain(
        "a log may be rebuilt after a checkpoint",
        "elif since.seq and self.at_since != since.head_hash:",
        "elif False:",
        f"{_AUDIT}/test_checkpoint.py",
        f"{_AUDIT}/test_chain.py",
    ),
    _chain(
        "an empty log is a sound one", "    if not walk.records and walk.since is None:\n", "    if False:\n"
    ),
    _log_file("a record is not checked against its hash", "or hashed != record.record_hash:", "or False:"),
    _log_file(
        "a record may say its hash twice",
        "or own in after or",
        "or",
        equivalent="what is hashed would have to hold its own hash",
    ),
    _checkpoint(
        "a signature by any key is one",
        "    if wanted is not None and carried != wanted.public_bytes_raw():\n",
        "    if False:\n",
    ),
    _checkpoint(
        "an unsigned checkpoint is signed",
        '        if wanted is not None:\n            raise AuditChainBroken("the checkpoint is not signed"',
        '        if False:\n            raise AuditChainBroken("the checkpoint is not signed"',
    ),
    _checkpoint(
        "a private key may be read by all",
        "files.write_new(path, secret, mode=0o600)",
        "files.write_new(path, secret, mode=0o644)",
    ),
    _ledger(
        "a record that comes late moves the head back",
        '            "number", 0\n        ):',
        '            "none", 0\n        ):',
        "tests/hostile/test_suspended.py::test_a_record_that_comes_late_does_not_bring_an_older_head_into_the_log",
    ),
    _ledger(
        "the log ends at a torn line",
        "AttributeError, RecursionError):\n            continue\n",
        "AttributeError, RecursionError):\n            break\n",
        _TORN,
        "tests/core/operations/doctor/test_log_repair.py::test_a_record_behind_a_torn_line_is_in_the_log_that_follows",
    ),
    _ledger(
        "what gc removed is not known",
        '        ledger.removed.update(details["deleted"])\n',
        "        pass\n",
        "tests/core/operations/gc/test_protection.py",
        "tests/core/operations/gc/test_retention.py",
        "tests/core/operations/gc/test_gc.py::test_policies_that_keep_nothing_are_no_policy",
        "tests/core/operations/gc/test_gc.py::test_a_run_that_slept_too_long_in_its_critical_section_goes_no_further",
    ),
)
