"""Mutants of the records: heads, worktrees, registers, snapshots, intents and annotations."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, of

_RECORDS = "tests/core/control/records"
_heads = of("jvs_core/control/records/heads.py", f"{_RECORDS}/test_heads.py").mutant
_register = of("jvs_core/control/records/register.py", f"{_RECORDS}/test_register.py").mutant
_catalog = of("jvs_core/control/catalog.py", "tests/core/control/test_catalog.py").mutant
_journal = of("jvs_core/control/records/journal.py", f"{_RECORDS}/test_journal.py").mutant
_worktree = of("jvs_core/control/records/worktree.py", f"{_RECORDS}/test_worktree.py").mutant
_annotation = of("jvs_core/control/records/annotation.py", f"{_RECORDS}/test_annotation.py").mutant
_renames = of("jvs_core/renames.py", "tests/core/test_files.py").mutant
_piecemeal = of("jvs_core/piecemeal.py", "tests/core/test_piecemeal.py").mutant
_files = of("jvs_core/files.py", "tests/core/control/test_files.py", "tests/core/test_files.py").mutant
_NUMBERS = "tests/hostile/test_numbers.py"
_PROTECTION = "tests/core/operations/gc/test_protection.py"

MUTANTS: tuple[Mutant, ...] = (
    _heads(
        "no second look after a head was written",
        "if numbers(layout, name)[-1] != head.number:",
        "if False:",
        f"{_RECORDS}/test_heads.py::test_one_that_slept_until_its_number_was_free_again_moves_nothing",
    ),
    _heads("the newest head is tidied away", "[:-KEPT]", "[:-1][:0] or numbers(layout, name)[-1:]"),
    _heads(
        "a head replaces another",
        "        files.create_atomic(place, encode(head), mode=layout.file_mode)\n    except AlreadyExists",
        "        files.write_atomic(place, encode(head), mode=layout.file_mode)\n    except AlreadyExists",
        f"{_RECORDS}/test_heads.py::test_of_two_that_saw_the_same_head_one_moves_it",
    ),
    _heads(
        "a head of another worktree counts",
        "if head.number != number or head.worktree_id != worktree_id:",
        "if head.number != number:",
        f"{_RECORDS}/test_heads.py::test_a_head_that_is_none_is_named",
    ),
    _heads(
        "a head of another number counts",
        "if head.number != number or head.worktree_id != worktree_id:",
        "if head.worktree_id != worktree_id:",
        f"{_RECORDS}/test_heads.py::test_a_head_that_is_none_is_named",
    ),
    _heads(
        "the lowest head counts",
        "return _parse(layout, name, there[-1], worktree_id)",
        "return _parse(layout, name, there[0], worktree_id)",
    ),
    _register(
        "a record speaks of another",
        "        if getattr(record, self.identity) != key:\n",
        "        if False:\n",
    ),
    _register(
        "a record of another user is carried out",
        "if about.st_uid != os.geteuid() or about.st_mode & _OTHERS_WRITE:",
        "if about.st_mode & _OTHERS_WRITE:",
    ),
    _register(
        "a record that others can write is carried out",
        "if about.st_uid != os.geteuid() or about.st_mode & _OTHERS_WRITE:",
        "if about.st_uid != os.geteuid():",
    ),
    _register(
        "any name is a place",
        "        if not self.fits(key):\n            raise self.damaged(",
        "        if False:\n            raise self.damaged(",
    ),
    _catalog(
        "a descriptor is not held against its checksum",
        "        return descriptor.descriptor_checksum == checksum(descriptor)",
        "        return True",
    ),
    _catalog(
        "a lineage in a circle has an end",
        '            raise LineageBroken(f"the lineage of {head} contains a loop", hint="jvs doctor")\n',
        "            return\n",
        _PROTECTION,
    ),
    _catalog(
        "what gc removed is kept",
        "    if is_expired(layout, snapshot_id):\n        raise SnapshotExpired(",
        "    if False:\n        raise SnapshotExpired(",
        "tests/core/operations/gc/test_gc.py::test_a_tombstone_alone_refuses_every_use_of_its_snapshot",
    ),
    _catalog("an ambiguous name takes the first", "    if len(matches) > 1:\n", "    if False:\n"),
    _catalog(
        "a payload that is a link is one",
        "if not payload.is_dir() or payload.is_symlink() or not layout.manifest(snapshot_id).is_file():",
        "if not payload.is_dir() or not layout.manifest(snapshot_id).is_file():",
    ),
    _journal(
        "whoever was given up for dead publishes",
        "    if not _stands(layout, intent):\n        raise _given_up(intent)",
        "    if False:\n        raise _given_up(intent)",
        "tests/core/operations/test_publish.py::test_a_snapshot_whose_intent_was_cleared_away_is_not_put_in_place",
    ),
    _journal(
        "an intent that others can write is believed",
        'if name != f"{intent.intent_id}.json" or about.st_mode & _WRITABLE_BY_OTHERS:',
        'if name != f"{intent.intent_id}.json":',
    ),
    _journal(
        "an intent under another name is believed",
        'if name != f"{intent.intent_id}.json" or about.st_mode & _WRITABLE_BY_OTHERS:',
        "if about.st_mode & _WRITABLE_BY_OTHERS:",
    ),
    _journal(
        "an intent comes back after a power cut",
        "    if durable:\n        files.remove_file(path)\n",
        "    if durable:\n        files.unlink(path, missing_ok=True)\n",
    ),
    _journal(
        "all intents are one's own",
        "return intent.uid is None or intent.uid == os.geteuid()",
        "return True",
    ),
    _journal(
        "what is unknown is dead",
        "return now is not None and state(now, settings) is False",
        "return now is not None and not state(now, settings)",
    ),
    _worktree(
        "a head does not get the next number",
        "number=seen.head.number + 1,",
        "number=seen.head.number + 2,",
        f"{_RECORDS}/test_heads.py",
    ),
    _worktree(
        "a planted number is followed",
        "if seen.head.number >= heads.LAST:",
        "if False:",
        "tests/hostile/test_numbers.py",
    ),
    _worktree(
        "a worktree replaces another",
        "        files.rename_new(temporary, folder)\n",
        "        files.rename(temporary, folder)\n",
    ),
    _annotation(
        "an edit gets its number before the log is told",
        "        yield hashlib.sha256(data).hexdigest()\n        files.rename_durable(draft, own)\n",
        "        files.rename_durable(draft, own)\n        yield hashlib.sha256(data).hexdigest()\n",
    ),
    _annotation(
        "an edit of another snapshot counts",
        "if (found.number, found.snapshot_id) != (number, snapshot_id):",
        "if found.number != number:",
    ),
    _files("creating replaces", "os.O_WRONLY | os.O_CREAT | os.O_EXCL", "os.O_WRONLY | os.O_CREAT"),
    _files(
        "a new file is not durable",
        "        write_all(fd, data)\n        if durable:\n            os.fsync(fd)\n",
        "        write_all(fd, data)\n",
    ),
    _files(
        "a replaced file's name is not durable",
        "    if durable:\n        syncing.sync_folder(path.parent)\n\n\ndef create_together",
        "\n\ndef create_together",
    ),
    _files(
        "a created file's name is not durable",
        "rename_new, mode=mode, durable=True)",
        "rename_new, mode=mode, durable=False)",
    ),
    _files(
        "a renamed file's name is not durable",
        "_sync_parents(source: Path, target: Path) -> None:\n    syncing.sync_folder(target.parent)\n",
        "_sync_parents(source: Path, target: Path) -> None:\n",
    ),
    _files(
        "a renamed file keeps its old name",
        "    if source.parent != target.parent:\n        syncing.sync_folder(source.parent)\n",
        "",
    ),
    _files(
        "a removed file may come back",
        "        return\n    syncing.sync_folder(path.parent)\n\n\ndef remove_any",
        "        return\n\n\ndef remove_any",
    ),
    of("jvs_core/renames.py", "tests/core/test_files.py").mutant(
        "a rename replaces", "_rename(old, new, _NOREPLACE)", "_rename(old, new, 0)"
    ),
    of("jvs_core/renames.py", "tests/core/test_files.py").mutant(
        "a failed rename keeps the new name",
        "        os.unlink(new, dir_fd=there)\n        raise\n",
        "        raise\n",
    ),
    _piecemeal(
        "a piece goes over what was saved there",
        "renames.rename_new((one, name), (other, name))",
        "os.replace(name, name, src_dir_fd=one, dst_dir_fd=other)",
    ),
    _piecemeal(
        "what was moved in pieces is not given back",
        "            give_back(source, target)\n        raise",
        "            pass\n        raise",
    ),
    _files(
        "many files are named before they are durable", "            sync(list(temporary.values()))\n", ""
    ),
    of("jvs_core/operations/publish.py", _NUMBERS).mutant(
        "a snapshot is put in place before a head that none can follow",
        "    worktree.require_room(new.name, now)\n",
        "",
    ),
    of("jvs_core/operations/doctor/interrupted.py", _NUMBERS).mutant(
        "a repair follows a head that none can follow",
        "                and record.head.number < heads.LAST  # a planted one; the log's comes back below\n",
        "",
    ),
)
