"""Records changed as somebody might who can write to ``.jvs`` and knows its checksums."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from jvs_core import canonical
from jvs_core.control.audit import log_file
from jvs_core.control.lock import slots
from jvs_core.errors import JvsError

IDS = ("1700000000000-00000001", "00000000-0000-4000-8000-000000000001", "a" * 12, "f" * 64, "trial", "HEAD")
PATHS = (
    *("/etc/passwd", "..", "../..", "../../../home/Documents", "../../home", ".jvs-restore-00000000", "~"),
    *(
        "a\0b",
        "x" * 256,
        "x" * 5000,
        "",
        ".",
        "\udc80",
        "\n",
        "a\u202eb",
        "-rf",
        "\x1b]0;t\x07",
        "\x9b5n",
        "a\r\nb",
    ),
)
TIMES = ("9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "2026-02-31T00:00:00.000Z", "tomorrow")
NUMBERS = (-1, 0, 1, 2**31, 2**53 - 1, 2**53, 2**63, 2**70, 10**400, 0.5, 1e308)
JUNK = (
    *(b"", b"\0" * 8192, b"junk", b"{", b"{}\n", b"[]\n", b"null\n", b"1" * 5000, b"\xff\xfe", b'"x"\n'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"1" + b"0" * 400 + b"\n", b"-1\n", b"1\n", b"3\n", b"2" * 400),
    *(b'{"number":NaN}\n', b"shared = true\n", b"[lease]\nduration_ms = 1e99\n", b'engine = "../x"\n'),
    *(b"[retention.weekly]\nkeep_within = '9999999999y'\n", b"[lease]\nrenew_interval_ms = 1" + b"0" * 30),
)
FOLDERS = (
    *("worktrees", "worktrees/trial", "worktrees/trial/heads", "descriptors", "snapshots", "refs", "locks"),
    *(
        "intents",
        "audit",
        "runs",
        "runs/points",
        "damage",
        "gc",
        "gc/plans",
        "gc/pins",
        "gc/tombstones",
        "gc/trash",
    ),
)


def records(repo: Path) -> list[Path]:
    """Return every regular file of the control plane, in an order that does not tell of ids."""
    found = [
        path
        for path in (repo / ".jvs").rglob("*")
        if path.is_file() and not path.is_symlink() and "payload" not in path.parts
    ]
    return sorted(found, key=lambda path: (len(path.parts), path.parts))


def spoil(repo: Path, home: Path, data: st.DataObject) -> str:
    """Change one record; return what was done."""
    hostile = (*IDS, *PATHS, *TIMES, *(str(home / name) for name in ("Documents", "settings", ".ssh")))
    there = records(repo)
    path = data.draw(st.sampled_from(there))
    how = data.draw(st.sampled_from([_field, _field, _field, _field, _bytes, _place, _copy, _folder]))
    said = how(path, repo, home, hostile, data)
    return f"{how.__name__} {path.relative_to(repo)}: {said}"


def _field(path: Path, repo: Path, _home: Path, hostile: tuple[str, ...], data: st.DataObject) -> str:
    """Change one field, and the checksums that cover it."""
    taken = [value for other in records(repo) if other != path for value in _texts(other)][:400]
    values = st.one_of(
        st.sampled_from(hostile),
        st.sampled_from(NUMBERS),
        st.sampled_from([None, True, [], {}, ["x"], [["x"]], {"x": None}, _nested(50)]),
        st.sampled_from(list(dict.fromkeys(taken)) or [""]),
    )
    for form in (_as_slots, _as_log, _as_record):
        if form(path, lambda value: _changed(value, values, data), data):
            return form.__name__
    return _bytes(path, repo, _home, hostile, data)


def _texts(path: Path) -> list[str]:
    """Return the strings of another record, for a field to say what belongs elsewhere."""
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError):
        return [path.stem]
    return [value for value in found.values() if isinstance(value, str)] if isinstance(found, dict) else []


def _changed(value: Any, values: st.SearchStrategy[Any], data: st.DataObject) -> Any:
    """Return a JSON value with one part of it changed, taken away or added."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 7)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _changed(value[key], values, data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 5)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _changed(value[at], values, data), *value[at + 1 :]]
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {name: each for name, each in value.items() if name != key}
    if isinstance(value, dict) and data.draw(st.booleans()):
        return {**value, data.draw(st.sampled_from(["extra", "", "..", "\0"])): data.draw(values)}
    return data.draw(values)


def _as_slots(path: Path, change: Callable[[Any], Any], data: st.DataObject) -> bool:
    try:
        value = slots.read(path)
    except JvsError:
        return False
    number = data.draw(st.sampled_from([1000, 1000, 1000, -1, 2**53 - 1, 2**70, True]))
    path.write_bytes(as_slot(number, change(value)))
    return True


def as_slot(number: int, value: Any) -> bytes:
    """Return the bytes of a file whose first slot holds ``value``, its checksum right, and whose second none."""
    body = _encoded({"number": number, "value": value})
    line = hashlib.sha256(body).hexdigest().encode() + b" " + body + b"\n"
    return line.ljust(slots.SLOT_BYTES, b"\0") + b"\0" * slots.SLOT_BYTES


def _as_log(path: Path, change: Callable[[Any], Any], data: st.DataObject) -> bool:
    if path.suffix != ".jsonl":
        return False
    lines = path.read_bytes().splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    record = change({key: value for key, value in json.loads(lines[at]).items() if key != "record_hash"})
    if isinstance(record, dict):
        record["record_hash"] = hashlib.sha256(log_file.RECORD_CONTEXT + _encoded(record)).hexdigest()
    lines[at] = _encoded(record) + b"\n"
    path.write_bytes(b"".join(lines))
    return True


def _as_record(path: Path, change: Callable[[Any], Any], data: st.DataObject) -> bool:
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return False
    value = change(value)
    if path.parent.name == "descriptors" and isinstance(value, dict) and data.draw(st.booleans()):
        covered = {k: v for k, v in value.items() if k not in ("descriptor_checksum", "integrity_state")}
        value["descriptor_checksum"] = {
            "algo": "sha256",
            "value": hashlib.sha256(_encoded(covered)).hexdigest(),
        }
        ready = path.parents[1] / "snapshots" / path.stem / ".READY"
        if ready.is_file():
            marker = {**json.loads(ready.read_bytes()), "descriptor_checksum": value["descriptor_checksum"]}
            marker |= {key: value[key] for key in marker if key in value}
            ready.write_bytes(_encoded(marker) + b"\n")
    if path.parent.name == "heads" and isinstance(value, dict) and data.draw(st.booleans()):
        number = data.draw(st.sampled_from([1, 1000, 2**52, 2**53 - 2, 2**53 - 1]))
        value, path = {**value, "number": number}, path.with_name(str(number))
    path.write_bytes(_encoded(value) + b"\n")
    return True


def _encoded(value: Any) -> bytes:
    """Return the one form that JVS accepts, or for what has none something near it."""
    try:
        return canonical.dumps(value)
    except Exception:  # noqa: BLE001 - whatever has no canonical form is written nonetheless
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return text.encode()


def _nested(depth: int) -> Any:
    return {"a": _nested(depth - 1)} if depth else "x"


def _bytes(path: Path, _repo: Path, _home: Path, _hostile: tuple[str, ...], data: st.DataObject) -> str:
    """Replace the file's bytes by others: junk, a part of them, more than one of them, their reverse."""
    own = path.read_bytes()
    cut = data.draw(st.integers(0, 200))
    other = data.draw(
        st.sampled_from([*JUNK, own[:cut], own[cut:], own * 2, own[::-1], own[:-1], own + b"\n", own + b"\0"])
    )
    path.write_bytes(other)
    return repr(other[:40])


def _place(path: Path, _repo: Path, home: Path, _hostile: tuple[str, ...], data: st.DataObject) -> str:
    """Remove the file, and put something else in its place, or nothing."""
    path.unlink()
    return _put(path, home, data)


def _folder(_path: Path, repo: Path, home: Path, _hostile: tuple[str, ...], data: st.DataObject) -> str:
    """Do so with a whole folder."""
    path = repo / ".jvs" / data.draw(st.sampled_from(FOLDERS))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or path.exists():
        path.unlink()
    return f"{path} {_put(path, home, data)}"


def _put(path: Path, home: Path, data: st.DataObject) -> str:
    what = data.draw(
        st.sampled_from(["nothing", "link", "folder link", "loose link", "fifo", "folder", "file"])
    )
    if not path.parent.is_dir() or path.parent.is_symlink():
        return "nothing"
    if what == "link":
        path.symlink_to(home / "settings.json")
    elif what == "folder link":
        path.symlink_to(home / "Documents")
    elif what == "loose link":
        path.symlink_to(home / "new")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
        (path / "x").write_text("x")
    elif what == "file":
        path.write_text("x")
    return what


def _copy(path: Path, repo: Path, _home: Path, hostile: tuple[str, ...], data: st.DataObject) -> str:
    """Put a copy of the file under another name, or exchange two files."""
    other = data.draw(st.sampled_from(records(repo)))
    if data.draw(st.booleans()):
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)
        return f"exchanged with {other}"
    fitting = re.sub(r"[0-9](?=[^0-9]*$)", lambda digit: str((int(digit[0]) + 1) % 10), path.name)
    names = [
        name for name in (*hostile, other.name) if "/" not in name and "\0" not in name and len(name) < 200
    ]
    name = data.draw(
        st.sampled_from([fitting, *(f"{each}{path.suffix}" for each in names if each not in ("", ".", ".."))])
    )
    target = path.with_name(name)
    if os.path.lexists(target) and target not in records(repo):
        return "nothing"
    target.write_bytes(path.read_bytes())
    return f"copied to {target.name!r}"
