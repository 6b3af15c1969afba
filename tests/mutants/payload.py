"""Mutants of what reads, remembers, copies, shares and replaces files."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, of

_SHARED = "tests/core/payload/copy/test_shared.py"
_INDEX = "tests/core/payload/changes/test_index_memory.py"
_index = of("jvs_core/payload/changes/index.py", _INDEX).mutant
_writeback = of("jvs_core/payload/changes/writeback_time.py", _INDEX).mutant
_describe = of("jvs_core/payload/changes/describe.py", _INDEX).mutant
_last_clean = of(
    "jvs_core/payload/changes/last_clean.py", "tests/core/payload/changes/test_last_clean.py"
).mutant
_CLEAN_LOOK = "tests/core/operations/test_clean_look.py"
_clean_look = of("jvs_core/operations/clean_look.py", _CLEAN_LOOK).mutant
_capture = of("jvs_core/payload/copy/capture.py", _SHARED).mutant
_transfer = of("jvs_core/payload/copy/transfer.py", _SHARED).mutant
_BROUGHT = "tests/core/payload/copy/test_transfer.py"
_brought = of("jvs_core/payload/copy/transfer.py", _BROUGHT).mutant
_placing = of("jvs_core/payload/inplace/placing.py", _BROUGHT).mutant
_linking = of("jvs_core/payload/copy/linking.py", _SHARED).mutant
_replication = of("jvs_core/payload/copy/replication.py", _SHARED).mutant
_hard_links = of("jvs_core/payload/copy/hard_links.py", _SHARED).mutant
_content = of("jvs_core/payload/tree/content.py", _SHARED).mutant
_SEALING = "tests/core/operations/test_sealing.py"
_sealing = of("jvs_core/payload/tree/sealing.py", _SEALING).mutant
_attributes = of("jvs_core/payload/tree/attributes.py", _SEALING).mutant
_status = of("jvs_core/payload/check/status.py", _SEALING).mutant
_modes = of("jvs_core/operations/doctor/payload_modes.py", _SEALING).mutant
_difference = of(
    "jvs_core/payload/changes/difference.py", "tests/core/payload/changes/test_difference.py"
).mutant
_hashing = of("jvs_core/payload/changes/hashing.py", "tests/core/payload/changes/test_hashing.py").mutant
_links = of("jvs_core/payload/tree/link_groups.py", _SHARED).mutant

MUTANTS: tuple[Mutant, ...] = (
    _last_clean(
        "a clean state is kept whatever is as young as the clock",
        "found.changed or not all(map(before.covers, found.stamps))",
        "found.changed",
    ),
    _last_clean(
        "a clean state is kept of files that the index does not know",
        "if not index.knows_all(found, with_attributes=with_attributes):",
        "if index is None:",
    ),
    _last_clean("what something ran away from is clean", "not found.changed and state", "state"),
    _last_clean("inodes are no part of a state", "(found.entries, found.stamps, ", "(found.entries, "),
    _last_clean("what others may write is believed", " or about.st_mode & _OTHERS_WRITE", ""),
    _last_clean("what somebody else wrote is believed", "about.st_uid != os.geteuid() or ", ""),
    _last_clean("any question has the same answer", "question == self.question and ", ""),
    _clean_look(
        "a manifest that changed is not noticed",
        "descriptor.manifest_hash.value, about",
        "descriptor.manifest_hash.value",
    ),
    _clean_look("other rules of exclusion have the same answer", "head, rules, who", "head, who"),
    _clean_look("other rights have the same answer", "head, rules, who", "head, rules"),
    _sealing("payloads can be written", "_TAKEN = 0o7222", "_TAKEN = 0o7000"),
    _sealing("payloads lend rights", "_TAKEN = 0o7222", "_TAKEN = 0o0222"),
    _sealing("a file that is nobody's to read is sealed so", "mode & ~_TAKEN | 0o400", "mode & ~_TAKEN"),
    _sealing(
        "snapshots of before are damaged or drifted", "return now == mode or (", "return (mode < 0) or ("
    ),
    _sealing(
        "a file whose mode drifted is shared", "    if made.st_mode != mode:\n        return False\n", ""
    ),
    _attributes(
        "an access list counts as it lies in a payload",
        "_list_with(value, mode) if name == ACCESS else value",
        "value",
    ),
    _attributes("attributes of a read-only file are refused", "if not seen.st_mode & S_IWUSR:", "if False:"),
    _status(
        "a mode that drifted is no reason to read",
        "            elif entry.kind != SYMLINK:\n                self.drifted.add(position)\n",
        "",
    ),
    _modes(
        "a file of before stays unsealed", "if entry.path in drifted or (", "if entry.path in drifted and ("
    ),
    _index(
        "attributes that were never read are stored as known",
        "bytes((_KNOWN if xattrs_read else _UNKNOWN,))",
        "bytes((_KNOWN,))",
    ),
    _index(
        "attributes that were never read are remembered as known",
        "Digests(entry.sha256, entry.xattrs if xattrs_read else None)",
        "Digests(entry.sha256, entry.xattrs)",
    ),
    _index("attributes are taken for known", "if row[_KEY.size] == _KNOWN else None", "if True else None"),
    _index("a row that is half old counts", "and crc32(row) == _SOUND", "and True"),
    _index(
        "a time of change does not count",
        "entry.mtime_ns & _TIME, stamp.ctime_ns & _TIME",
        "entry.mtime_ns & _TIME, 0",
    ),
    _index("a file of this moment is remembered", "                    and writeback.covers(stamp)\n", ""),
    _index(
        "a state does not count in memory",
        "digests if a == b and s == t else None",
        "digests if a == b else None",
    ),
    _index("a file of another state counts", "elif row.startswith(key) and", "elif"),
    _writeback(
        "a file of this very tick is trusted",
        "return stamp.ctime_ns < self.now_ns and",
        "return stamp.ctime_ns <= self.now_ns and",
    ),
    _writeback("any device's clock tells", "and stamp.dev in self.devices", "and True"),
    _describe(
        "a file that changed while it was read is remembered",
        "            unsteady.add(found.entries[position].path)\n",
        "            pass\n",
    ),
    _capture(
        "a file of several names is shared by its size and time",
        "self.shared[position] = self.complete(position) and self.likely(position) is not None",
        "self.shared[position] = self.likely(position) is not None",
    ),
    _capture(
        "names grouped anew become one file",
        "            or (entry.link_group and entry.path in self.split_groups)\n",
        "",
    ),
    _capture(
        "names that parted stay one file",
        "            or bool(old.link_group) != bool(entry.link_group)\n",
        "",
    ),
    _capture("another digest is the same file", "            or (sha and old.sha256 != sha)\n", ""),
    _capture(
        "other attributes are the same file",
        "            or (xattrs is not None and old.xattrs != xattrs)\n",
        "",
    ),
    _capture(
        "another owner, mode or time is the same file",
        "            or old[1:7] != entry[1:7]\n",
        "",
        equivalent="whatever is linked is looked at once more, and made anew where it differs",
    ),
    _capture(
        "what changed meanwhile is not named",
        "changed = replica.changed.union(found.changed, racy.changed(replica.entries))",
        "changed = found.changed.union(racy.changed(replica.entries))",
    ),
    _index("what changed meanwhile is remembered", "            and entry.path not in changed\n", ""),
    _transfer(
        "content is not compared before it is shared",
        "if known == item.previous_sha256 and attributes.digest(xattrs) == item.previous_xattrs:",
        "if attributes.digest(xattrs) == item.previous_xattrs:",
    ),
    _transfer(
        "attributes are not compared before a file is shared",
        "if known == item.previous_sha256 and attributes.digest(xattrs) == item.previous_xattrs:",
        "if known == item.previous_sha256:",
    ),
    _transfer("a payload of another time is shared", "        and st.st_mtime_ns == item.mtime_ns\n", ""),
    _transfer(
        "a payload of another mode is shared",
        "        and seal_linked(target, item.name, st, stat.S_IFREG | item.mode)\n",
        "",
    ),
    _brought(
        "a file keeps the rights that its folder hands down",
        "set_xattrs(made, xattrs, clear=not self.hidden)",
        "set_xattrs(made, xattrs)",
    ),
    _brought(
        "a file gets whatever attributes the payload has",
        "            xattrs, drifted = attributes.kept_as(xattrs, item.mode, item.xattrs)\n        mode =",
        "            pass\n        mode =",
    ),
    _brought(
        "a file that may not be read is one that is gone",
        "            raise translate(error, path, reading=True) from error",
        "            raise Changed from error",
    ),
    _placing(
        "a folder that went is an error",
        "        if error.errno not in GONE:\n            raise translate(error, entry.path) from error\n",
        "        raise translate(error, entry.path) from error\n",
    ),
    _linking(
        "a file that changed while it is shared is shared",
        "                or now.st_ctime_ns != ctime\n",
        "",
    ),
    _linking(
        "a file that is gone is shared",
        "            if (\n                now is None\n                or ",
        "            if now is not None and (\n                ",
    ),
    _linking(
        "a payload of another time is linked", "                or made.st_mtime_ns != now.st_mtime_ns\n", ""
    ),
    _linking(
        "a payload of another mode is linked",
        "                or not _is_as(made, owned.get(position) or _owner(now), target, name)\n",
        "",
    ),
    _hard_links(
        "further names of a file are files of their own",
        "            if entry.link_group in followers:\n",
        "            if False:\n",
    ),
    _content(
        "the source is not looked at again",
        'return Content(digest, "copy", not same(os.fstat(source), stamp, size, mtime_ns))',
        'return Content(digest, "copy", False)',
        "tests/core/payload/tree/test_content.py",
    ),
    _content(
        "a clone of a young file is taken for its source",
        "    if changed or young:\n",
        "    if changed:\n",
        "tests/core/payload/tree/test_content.py",
    ),
    _content(
        "a clone of a changed file is taken for its source",
        "    if changed or young:\n",
        "    if young:\n",
        "tests/core/payload/tree/test_content.py",
    ),
    _content(
        "what is known of a young file is believed",
        "known if known and not young else",
        "known if known else",
        "tests/core/payload/tree/test_content.py",
        equivalent="the clone of a young file is hashed in any case",
    ),
    _content(
        "a time of change is not compared",
        "st.st_ctime_ns == stamp[2] and st.st_mtime_ns == mtime_ns",
        "st.st_mtime_ns == mtime_ns",
        "tests/core/payload/tree/test_content.py",
    ),
    _difference(
        "a mode is no change",
        "old.sha256 != new.sha256 or old.mode != new.mode or",
        "old.sha256 != new.sha256 or",
    ),
    _difference("an owner is no difference", "            or new.uid not in (old.uid, owner.uid)\n", ""),
    _difference(
        "hard links are no difference",
        "(old.link_group, old.xattrs) != (new.link_group, new.xattrs)",
        "old.xattrs != new.xattrs",
    ),
    _difference(
        "attributes are no difference",
        "(old.link_group, old.xattrs) != (new.link_group, new.xattrs)",
        "old.link_group != new.link_group",
    ),
    _difference(
        "content is none where setuid went",
        "        return old.sha256 != new.sha256\n    return _differ",
        "        return False\n    return _differ",
    ),
    _hashing(
        "a name has what another file holds",
        "first.setdefault(stamp or position, len(chosen))",
        "first.setdefault(0, len(chosen))",
    ),
    _hashing("another file is the one seen", "wanted.stamp[:2] if wanted.stamp else None", "None"),
    _hashing(
        "a file is steady whatever happened",
        "steady = stamp is None or same(os.fstat(fd), stamp, wanted.size, wanted.mtime_ns)",
        "steady = True",
    ),
    _hashing(
        "an error of reading is a file that is gone",
        "            raise translate(error, wanted.path, reading=True) from error\n\n\ndef",
        "            return None\n\n\ndef",
    ),
    _links(
        "a group of one is a group",
        "many = counts[entry.link_group] > 1",
        "many = True",
        _SHARED,
        "tests/core/payload/tree/test_link_groups.py",
    ),
)
