"""Requirements of integrity: changed data is noticed, and what a crash or a move left is repaired."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from jvs_core.conformance.requirement import Chapter, Facts, Scene, demand, refused
from jvs_core.control import catalog
from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.control.lock import slots
from jvs_core.model import Descriptor
from jvs_core.repository import Repository
from jvs_core.results import RUNTIME_REPAIRS

integrity = Chapter("integrity")
recovery = Chapter("recovery")

_STEPS = ["check", "intent", "clone", "manifest", "settle", "descriptor"]
_STEPS += ["ready", "fence", "publish", "catalog", "head", "audit"]
_KILLED = """
import os
from jvs_core import Repository

class Killed:
    def started(self, step, total=None):
        if step == sys.argv[2]:
            os._exit(9)
    def advanced(self, amount=1): pass
    def finished(self, step): pass

Repository.open(sys.argv[1]).snapshot("killed", lock=True, progress=Killed())
"""


def _taken(scene: Scene) -> tuple[Repository, Descriptor, Layout]:
    repo = scene.repository()
    taken = repo.snapshot("one", lock=True)
    demand(repo.verify(every=True).ok, "a new snapshot does not verify")
    return repo, taken, Layout(repo.root)


def _found(repo: Repository, snapshot_id: str) -> str | None:
    report = repo.verify(every=True)
    demand(not report.ok, "verify does not find the damage")
    return {found.snapshot_id: found.code for found in report.snapshots}.get(snapshot_id)


@integrity(
    "tampered-payload",
    "JVS names a changed, missing or added file of a snapshot, and refuses to restore that snapshot",
)
def _tampered_payload(scene: Scene) -> None:
    repo, taken, layout = _taken(scene)
    payload = layout.payload(taken.snapshot_id)
    _writable(repo, payload)
    path = payload / "notes.txt"
    before = path.stat()
    path.chmod(0o600)
    path.write_text("nOtes\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (payload / "data" / "a.csv").unlink()
    (payload / "added").touch()
    report = repo.verify().snapshots[0]
    demand(report.damaged_paths == ["added", "data/a.csv", "notes.txt"], f"named are {report.damaged_paths}")
    with refused("E_PAYLOAD_HASH_MISMATCH"):
        repo.restore(taken.snapshot_id)
    (repo.root / "main" / "notes.txt").write_text("changed")
    with refused("E_PAYLOAD_HASH_MISMATCH"):
        repo.restore_inplace(taken.snapshot_id, reason="x", lock=True)
    demand(
        (repo.root / "main" / "notes.txt").read_text() == "changed",
        "the refused restore changed the worktree",
    )


def _writable(repo: Repository, payload: Path) -> None:
    """Let a payload that the kernel keeps read-only be changed, as its owner could."""
    if repo.info().snapshot_engine == "btrfs-snapshot":
        from jvs_core.payload.engines import subvolume

        subvolume.set_read_only(payload, False)


@integrity("tampered-descriptor", "An edited descriptor does not match its checksum")
def _tampered_descriptor(scene: Scene) -> None:
    repo, taken, layout = _taken(scene)
    path = layout.descriptor(taken.snapshot_id)
    path.write_text(json.dumps({**json.loads(path.read_text()), "note": "another"}))
    code = _found(repo, taken.snapshot_id)
    demand(code == "E_DESCRIPTOR_CORRUPT", f"verify says {code}")
    with refused("E_DESCRIPTOR_CORRUPT"):
        repo.restore(taken.snapshot_id)


@integrity("forged-descriptor", "A descriptor rewritten with its checksum differs from the audit log")
def _forged_descriptor(scene: Scene) -> None:
    repo, taken, layout = _taken(scene)
    forged = taken.changed(note="another")
    forged = forged.changed(descriptor_checksum=catalog.checksum(forged).model_dump())
    layout.descriptor(taken.snapshot_id).write_bytes(catalog.encode(forged))
    ready = layout.ready(taken.snapshot_id)
    marker = json.loads(ready.read_text())
    _writable(repo, layout.payload(taken.snapshot_id))
    ready.write_text(json.dumps({**marker, "descriptor_checksum": forged.to_json()["descriptor_checksum"]}))
    code = _found(repo, taken.snapshot_id)
    demand(code == "E_AUDIT_CHAIN_BROKEN", f"verify says {code}")


@integrity(
    "vanished-snapshot", "JVS finds a snapshot that was deleted without gc, and a ref that was changed"
)
def _vanished_snapshot(scene: Scene) -> None:
    repo, first, layout = _taken(scene)
    (repo.root / "main" / "notes.txt").write_text("changed")
    second = repo.snapshot("two", lock=True)
    repo.refs.create("base", first.snapshot_id)
    path = layout.refs / "base.json"
    path.write_text(path.read_text().replace(first.snapshot_id, second.snapshot_id))
    layout.descriptor(first.snapshot_id).unlink()
    report = repo.verify(every=True)
    codes = {found.snapshot_id: found.code for found in report.snapshots}
    demand(codes.get(first.snapshot_id) == "E_PARTIAL_SNAPSHOT", f"verify says {codes}")
    demand(codes.get(second.snapshot_id) == "E_LINEAGE_BROKEN", f"verify says {codes}")
    demand("E_REF_BROKEN" in (report.audit.error or ""), f"the refs: {report.audit.error}")


@integrity(
    "tampered-log",
    "JVS finds edited, deleted, repeated and reordered records of the log, and a log that was cut",
)
def _tampered_log(scene: Scene) -> Facts:
    repo, _, layout = _taken(scene)
    repo.refs.create("base", "HEAD")
    path = log_file.log_path(layout)
    lines = path.read_bytes().splitlines(keepends=True)
    changes: dict[str, list[bytes]] = {
        "edited": [lines[0], lines[1].replace(b'"actor":"', b'"actor":"not_'), *lines[2:]],
        "deleted": [lines[0], *lines[2:]],
        "repeated": [lines[0], lines[0], *lines[1:]],
        "reordered": [lines[0], lines[2], lines[1], *lines[3:]],
        "cut": lines[:-1],
    }
    for name, changed in changes.items():
        path.write_bytes(b"".join(changed))
        demand(not repo.verify(every=True).audit.ok, f"{name} records are not found")
    path.write_bytes(b"".join(lines))
    demand(repo.verify(every=True).ok, "the log as it was does not verify")
    return {"changes": sorted(changes)}


@integrity("rolled-back-log", "With a checkpoint, JVS finds a log that was set back together with its head")
def _rolled_back_log(scene: Scene) -> None:
    repo, _, layout = _taken(scene)
    shutil.copytree(layout.audit, scene.folder / "kept")
    repo.refs.create("base", "HEAD")
    checkpoint = repo.audit.checkpoint()
    demand(
        repo.audit.check(since=checkpoint).ok, "the checkpoint does not match the log that it was made from"
    )
    for name in ("audit.jsonl", "head"):
        (layout.audit / name).write_bytes((scene.folder / "kept" / name).read_bytes())
    demand(not repo.audit.check(since=checkpoint).ok, "verify accepts a log that was set back")
    head = log_file.read_head(layout)
    slots.write(log_file.head_path(layout), {**head, "origin": "elsewhere"})
    demand(not repo.audit.check().ok, "verify accepts the head of another repository")


@integrity("signed-checkpoint", "JVS refuses a signed checkpoint that changed, or that another key signed")
def _signed_checkpoint(scene: Scene) -> None:
    repo = scene.repository()
    with tempfile.TemporaryDirectory(prefix="jvs-key-") as elsewhere:
        public = repo.audit.keygen(Path(elsewhere) / "key")
        other = repo.audit.keygen(Path(elsewhere) / "other")
        signed = repo.audit.checkpoint(Path(elsewhere) / "key")
        demand(repo.audit.check(since=signed, key=public).ok, "verify refuses the unchanged checkpoint")
        demand(
            not repo.audit.check(since=signed, key=other).ok,
            "verify accepts a checkpoint that another key signed",
        )
        demand(
            not repo.audit.check(since=signed.changed(created_at="2020-01-01T00:00:00.000Z"), key=public).ok,
            "verify accepts a checkpoint that was changed",
        )
    with refused("E_USAGE"):
        repo.audit.keygen(repo.root / "key")


@recovery("leftovers", "An interrupted operation is not visible; doctor names it and removes what it left")
def _leftovers(scene: Scene) -> None:
    repo, taken, layout = _taken(scene)
    left = layout.snapshots / "1700000000000-0badcafe.tmp"
    (left / "payload").mkdir(parents=True)
    demand(len(repo.history(every=True)) == 1, "the interrupted snapshot is in the history")
    found = [finding.repair for finding in repo.doctor(strict=True).findings]
    demand("clean_tmp" in found, f"doctor says {found}")
    repo.doctor(repairs=["clean_tmp"])
    demand(not left.exists(), "the doctor did not remove it")
    demand(repo.verify(every=True).ok, f"{taken.snapshot_id} does not verify any more")


def _killed_at(scene: Scene, steps: list[str]) -> Facts:
    repo = scene.repository()
    repo.snapshot("one", lock=True)
    for step in steps:
        (repo.root / "main" / "notes.txt").write_text(f"before {step}")
        done = scene.run_python(_KILLED, str(repo.root), step)
        demand(done.returncode == 9, f"the process did not end as expected at {step}: {done.stderr[-300:]}")
        repo = scene.opened(repo.root)
        found = [f for f in repo.verify(every=True).snapshots if f.severity == "critical"]
        demand(not found, f"killed at {step}: {found}")
        report = repo.doctor(repairs=[*RUNTIME_REPAIRS, "advance_head"], strict=True)
        bad = [finding.code for finding in report.findings if finding.severity != "info"]
        demand(not bad, f"killed at {step}, after repair: {bad}")
        demand(
            (repo.root / "main" / "notes.txt").read_text() == f"before {step}",
            f"killed at {step}: a file of the worktree changed",
        )
        repo.locks.release()
    demand(repo.verify(every=True).ok, "the repository does not verify at the end")
    return {"steps": steps}


@recovery("killed-publishing", "JVS undoes or completes a snapshot killed before or after publishing")
def _killed_publishing(scene: Scene) -> Facts:
    return _killed_at(scene, ["clone", "publish", "audit"])


@recovery(
    "killed-anywhere", "JVS undoes or completes a snapshot killed at any of its twelve steps", "release"
)
def _killed_anywhere(scene: Scene) -> Facts:
    return _killed_at(scene, _STEPS)


@recovery("half-line", "If a crash left half a record at the end of the log, the next record replaces it")
def _half_line(scene: Scene) -> None:
    repo, _, layout = _taken(scene)
    with log_file.log_path(layout).open("ab") as log:
        log.write(b'{"actor":"half')
    demand(repo.verify(every=True).ok, "verify reports the half record as damage")
    repo.refs.create("base", "HEAD")
    demand(repo.verify(every=True).ok, "the log does not verify after the next record")


@recovery(
    "moved",
    "A copy of a repository without locks and intents is healthy, and continues its history",
    "release",
)
def _moved(scene: Scene) -> None:
    repo, taken, _ = _taken(scene)
    repo.locks.acquire()
    away = scene.folder / "moved"
    shutil.copytree(repo.root, away, symlinks=True, ignore=_without_runtime(repo.root))
    moved = scene.opened(away)
    moved.doctor(repairs=RUNTIME_REPAIRS)
    report = moved.doctor(strict=True)
    demand(report.healthy, f"findings: {[finding.code for finding in report.findings]}")
    demand(moved.verify(every=True).ok, "the copy does not verify")
    demand(moved.status().clean, "the worktree of the copy is not clean")
    again = moved.snapshot("moved", lock=True)
    demand(again.parent_snapshot_id == taken.snapshot_id, "the lineage does not continue")
    demand(again.fencing_token > taken.fencing_token, "the fencing token does not continue")


def _without_runtime(root: Path) -> Callable[[str, list[str]], list[str]]:
    control = str(root / ".jvs")
    return lambda folder, names: ["locks", "intents"] if folder == control else []
