"""What the records of a repository say, read without the code that reads them, and whether its log says the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.layout import Layout
from jvs_core.model import NAME, RUN_ID, SHORT_ID, SNAPSHOT_ID, Descriptor, Head, Pin, Ref, WorktreeConfig


def contradictions(root: Path) -> list[str]:
    """Return where the records are not those that the log demands. Raises JvsError for a damaged one."""
    control, log = root / ".jvs", ledgers.read(Layout(root))
    found: list[str] = []

    def hold(what: str, says: object, logged: object) -> None:
        if says != logged:
            found.append(f"{what}: {says}, in the log {logged}")

    removed = {path.stem for path in _records(control / "gc/tombstones", SNAPSHOT_ID)}
    hold("tombstones", removed, log.removed)
    descriptors = {
        path.stem: Descriptor.parse(path.read_bytes(), path.name)
        for path in _records(control / "descriptors", SNAPSHOT_ID)
    }
    hold("snapshots", set(descriptors) - removed, set(log.snapshots) - removed)
    for key, descriptor in descriptors.items():
        assert descriptor.descriptor_checksum is not None
        hashes = (descriptor.descriptor_checksum.value, descriptor.payload_root_hash.value)
        hold(f"snapshot {key}", hashes, log.snapshots.get(key))
    refs = {
        path.stem: Ref.parse(path.read_bytes(), path.name).snapshot_id
        for path in _records(control / "refs", NAME)
    }
    hold("refs", refs, log.refs)
    pins = {
        path.stem: Pin.parse(path.read_bytes(), path.name) for path in _records(control / "gc/pins", SHORT_ID)
    }
    kept = {key: (pin.snapshot_id, pin.expires_at) for key, pin in pins.items() if key in log.pins}
    hold("pins", kept, log.pins)
    runs = {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _records(control / "runs", RUN_ID)
    }
    hold("runs", runs, log.runs)
    names = {path.name for path in (control / "worktrees").iterdir() if re.fullmatch(NAME[1:-1], path.name)}
    hold("worktrees", names, set(log.worktrees.values()))
    for key, name in log.worktrees.items():
        config = WorktreeConfig.parse((control / "worktrees" / name / "config.json").read_bytes(), name)
        newest = max((control / "worktrees" / name / "heads").glob("[1-9]*"), key=lambda path: int(path.name))
        hold(f"identity of {name}", config.worktree_id, key)
        hold(f"labels of {name}", config.labels, log.labels.get(key, {}))
        hold(f"head of {name}", Head.parse(newest.read_bytes(), name), Head.model_validate(log.heads[key]))
    return found


def _records(folder: Path, form: str) -> Iterator[Path]:
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        if path.suffix == ".json" and re.fullmatch(form[1:-1], path.stem):
            yield path
