"""A second reader of the format, by ``docs/reference/format.md`` and with the standard library alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.audit import writer
from jvs_core.model import models
from tests.support.payloads import build_git_repository

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "format.md").read_text(encoding="utf-8")
Line = tuple[bytes, str, int, int, bytes, bytes]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _canonical(value: Any) -> bytes:
    """RFC 8785, for what JVS writes here: no fractions, and names in ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(text: bytes) -> bytes:
    return re.sub(
        rb"\\(.)", lambda found: {b"\\": b"\\", b"t": b"\t", b"n": b"\n"}[found[1]], text, flags=re.DOTALL
    )


def _manifest(data: bytes) -> list[Line]:
    header, *lines, end, empty = data.split(b"\n")
    assert (header, end, empty) == (b"jvs-manifest 1", b"end %d" % len(lines), b"")
    found = []
    for line in lines:
        kind, mode, _, _, size, _, _, _, digest, path, *target = line.split(b"\t")
        path = b"" if path == b"." else _plain(path)
        content = b"" if digest == b"-" else bytes.fromhex(digest.decode())
        found.append(
            (path, kind.decode(), int(mode, 8), int(size), _plain(target[0]) if target else b"", content)
        )
    assert found == sorted(found)
    return found


def _root_hash(entries: list[Line]) -> str:
    state = hashlib.sha256(b"jvs-root 1\n")
    for path, kind, mode, size, target, content in entries:
        if path:
            lengths = struct.pack(">IcIQIB", len(path), kind.encode(), mode, size, len(target), len(content))
            state.update(lengths + path + target + content)
    return state.hexdigest()


def _slots(data: bytes) -> dict[str, Any]:
    found = []
    for slot in (data[:4096], data[4096:8192]):
        digest, _, body = slot.rstrip(b"\0").rstrip(b"\n").partition(b" ")
        if body and _sha256(body) == digest.decode():
            found.append(json.loads(body))
    value: dict[str, Any] = max(found, key=lambda one: one["number"])["value"]
    return value


def _blocks(heading: str) -> list[str]:
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```text\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return a repository with some of everything, its log rotated."""
    monkeypatch.setattr(writer, "ROTATE_BYTES", 4_000)
    repo = Repository.init(tmp_path / "repo", engine="copy")
    main = repo.root / "main"
    build_git_repository(main)
    (main / "link").symlink_to("a\tb")
    (main / os.fsdecode(b"tab\tnew\nback\\\xff")).write_text("x")
    os.link(main / "link2", main / "other") if (main / "link2").exists() else None
    repo.snapshot("one", lock=True)
    (main / "second.txt").write_text("é")
    repo.snapshot("two", tags=["t"], lock=True)
    repo.annotate("HEAD", note="better", add_tags=["good"])
    repo.annotate("HEAD", remove_tags=["t"])
    repo.refs.create("base", "HEAD")
    repo.worktrees.create("exp")
    repo.locks.acquire(purpose="work")
    return repo


def test_a_second_reader_finds_every_hash_as_the_page_says(repo: Repository) -> None:
    control = repo.root / ".jvs"
    assert (control / "format_version").read_text().strip() == "2"
    found = sorted((control / "descriptors").glob("*.json"))
    assert len(found) == 2
    for path in found:
        data = path.read_bytes()
        descriptor = json.loads(data)
        assert data == _canonical(descriptor) + b"\n"
        folder = control / "snapshots" / path.stem
        raw = (folder / "manifest").read_bytes()
        assert _sha256(raw) == descriptor["manifest_hash"]["value"]
        entries = _manifest(raw)
        assert _root_hash(entries) == descriptor["payload_root_hash"]["value"]
        assert descriptor["files"] == sum(kind == "f" for _, kind, *_ in entries)
        covered = {k: v for k, v in descriptor.items() if k not in ("descriptor_checksum", "integrity_state")}
        assert _sha256(_canonical(covered)) == descriptor["descriptor_checksum"]["value"]
        ready = json.loads((folder / ".READY").read_bytes())
        assert ready == {key: descriptor[key] for key in ready}
        for name, kind, mode, size, target, content in entries:
            here = os.path.join(os.fsencode(folder / "payload"), name)
            if kind == "f":
                stored = Path(os.fsdecode(here)).read_bytes()
                assert (len(stored), hashlib.sha256(stored).digest()) == (size, content)
            elif kind == "l":
                assert os.readlink(here) == target
            if name:
                sealed = mode & ~0o7222 | 0o400 if kind == "f" else mode
                assert os.lstat(here).st_mode & 0o7777 == sealed


def test_a_second_reader_follows_the_audit_log_and_reads_the_lease(repo: Repository) -> None:
    control = repo.root / ".jvs"
    older = sorted((control / "audit").glob("audit-*.jsonl"))
    assert older
    previous, seq, logged = "", 0, {}
    moved: dict[str, Any] = {}
    edits: dict[str, Any] = {}
    for path in [*older, control / "audit" / "audit.jsonl"]:
        for line in path.read_bytes().splitlines(keepends=True):
            record = json.loads(line)
            assert line == _canonical(record) + b"\n"
            seq += 1
            assert (record["seq"], record["prev_hash"]) == (seq, previous)
            previous = record.pop("record_hash")
            assert _sha256(b"jvs audit record 2\n" + _canonical(record)) == previous
            assert f"`{record['operation']}`" in PAGE
            if "head" in record["details"]:
                moved[record["worktree_id"]] = record["details"]["head"]
            if record["operation"] == "annotate":
                edit = record["details"]["annotation"]
                edits[f"{edit['snapshot_id']}/{edit['number']}"] = record["details"]
            if record["operation"] == "snapshot":
                logged[record["snapshot_id"]] = record["details"]["descriptor_checksum"]
        if path in older:
            assert path.name == f"audit-{seq:012d}.jsonl"
    head = _slots((control / "audit" / "head").read_bytes())
    assert head == {
        "origin": (control / "repo_id").read_text().strip(),
        "seq": seq,
        "head_hash": previous,
        "size": (control / "audit" / "audit.jsonl").stat().st_size,
    }
    for path in (control / "descriptors").glob("*.json"):
        assert json.loads(path.read_bytes())["descriptor_checksum"]["value"] == logged[path.stem]
    assert sorted(edits) == sorted(f"{p.parent.name}/{p.name}" for p in (control / "annotations").glob("*/*"))
    for name, details in edits.items():
        data = (control / "annotations" / name).read_bytes()
        assert data == _canonical(details["annotation"]) + b"\n"
        assert _sha256(data) == details["record_sha256"]
    worktree = json.loads((control / "worktrees" / "main" / "config.json").read_bytes())
    heads = sorted((control / "worktrees" / "main" / "heads").iterdir(), key=lambda path: int(path.name))
    head_record = json.loads(heads[-1].read_bytes())
    assert heads[-1].read_bytes() == _canonical(head_record) + b"\n"
    assert (head_record["number"], len(heads)) == (int(heads[-1].name), 2)
    assert head_record["worktree_id"] == worktree["worktree_id"]
    assert moved[worktree["worktree_id"]] == head_record
    leases = sorted((control / "locks" / worktree["worktree_id"]).iterdir(), key=lambda path: int(path.name))
    lease = _slots(leases[-1].read_bytes())
    assert (lease["fencing_token"], lease["purpose"]) == (int(leases[-1].name), "work")


def test_the_example_of_the_root_hash_is_right() -> None:
    shown, result = _blocks("Payload root hash")
    assert _sha256(bytes.fromhex("".join(shown.split()))) == result.strip()
    content = hashlib.sha256(b"hello\n").digest()
    entries: list[Line] = [
        (b"", "d", 0o755, 0, b"", b""),
        (b"a.txt", "f", 0o644, 6, b"", content),
        (b"l", "l", 0o777, 0, b"a.txt", b""),
    ]
    assert _root_hash(entries) == result.strip()


def test_every_field_of_every_record_is_on_the_page() -> None:
    for model in models():
        for name, field in model.model_fields.items():
            assert f"`{field.key or name}`" in PAGE or f'"{field.key or name}"' in PAGE, (model, name)


def test_every_control_file_is_on_the_page(repo: Repository) -> None:
    repo.pins.create("HEAD", reason="x")
    repo.gc.plan(keep_last=1)
    known = [
        re.compile(re.sub(r"<[a-z_]+>", "[^/]+", re.escape(path).replace(r"\<", "<").replace(r"\>", ">")))
        for path in re.findall(r"^\| `\.jvs/([^`]+)` \|", PAGE, re.MULTILINE)
    ]
    for path in (repo.root / ".jvs").rglob("*"):
        inner = path.relative_to(repo.root / ".jvs").as_posix()
        if path.is_file() and "/payload/" not in inner:
            assert any(pattern.fullmatch(inner) for pattern in known), inner
