"""Importing a repository of JVS in Go: its snapshots as they will lie here, its worktrees and its refs."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.names import check_ref_name
from jvs_core.errors import JvsError
from jvs_core.model import Descriptor, HashValue, Head, Ref, Worktree, WorktreeConfig
from jvs_core.operations.moving import go_payload
from jvs_core.operations.moving.arriving import Incoming
from jvs_core.operations.moving.go_repository import GoRepository, created_ms
from jvs_core.operations.moving.old import OldImport
from jvs_core.operations.moving.records import Records
from jvs_core.operations.preparation import encode_ready
from jvs_core.operations.refs import check_tag
from jvs_core.payload import manifest
from jvs_core.payload.tree.entry import FILE, printable
from jvs_core.results import ImportedSnapshot


@dataclass
class GoImport(OldImport):
    """An import under way of ``found``."""

    found: GoRepository = field(kw_only=True)

    def wanted(self) -> list[str]:
        """Return the snapshots whose descriptors can be read, parents before their children."""
        return list(self.found.descriptors)

    def incoming(self, key: str) -> Incoming:
        """Return a snapshot with its payload unpacked. What was unpacked for the one before is removed first."""
        self.undo.close()
        descriptor = self.found.descriptors[key]
        parent = self.standing(descriptor.parent_id)
        payload = self.undo.enter_context(
            go_payload.opened(self.found, descriptor, self.layout.root / "unpacked", self._modes(parent))
        )
        data = manifest.encoded(payload.entries)
        degraded = [*payload.degraded]
        if descriptor.partial_paths:
            degraded.append(f"partial: JVS in Go took only {', '.join(descriptor.partial_paths)[:2000]}")
        if parent != descriptor.parent_id:
            degraded.append(f"its parent {descriptor.parent_id} could not be imported")
        tags = []
        for tag in descriptor.tags or ():
            try:
                tags.append(check_tag(tag))
            except JvsError as error:
                degraded.append(f"tag left out: {error.message}")
        files, size = manifest.totals(payload.entries)
        made = Descriptor(
            snapshot_id=key,
            worktree_id=self.worktree_id(descriptor.worktree_name),
            worktree=descriptor.worktree_name,
            parent_snapshot_id=parent,
            created_at=clock.timestamp(created_ms(descriptor)),
            note=descriptor.note,
            tags=tuple(tags),
            engine=self.arriving.engine.name,
            requested_engine=self.new.requested_engine,
            consistency_level="quiesced" if descriptor.consistency_level == "quiesced" else "best_effort",
            fencing_token=0,
            holder_id=self.new.settings.holder_id,
            files=files,
            bytes=size,
            degraded=tuple(degraded),
            payload_root_hash=HashValue(value=manifest.root_hash(payload.entries)),
            manifest_hash=HashValue(value=hashlib.sha256(data).hexdigest()),
            kind="user",
            integrity_state="verified",
        ).changed(
            imported={
                "payload_root_hash": descriptor.payload_root_hash,
                "checked": payload.unchecked is None,
            }
        )
        made = made.changed(descriptor_checksum=catalog.checksum(made).model_dump())
        self.came[key] = ImportedSnapshot(
            snapshot_id=key,
            checked=payload.unchecked is None,
            unchecked=payload.unchecked,
            partial_paths=list(descriptor.partial_paths or ()),
            compression=None if descriptor.compression is None else "gzip",
        )
        return Incoming(made, encode_ready(made), data, payload.place)

    def worktree_id(self, name: str) -> str:
        """Return the identity of a worktree: the same at every try."""
        root = printable(os.fsencode(self.found.root))
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"jvs-import:{root}:{self.found.repo_id}:{name}"))

    def parent(self, key: str) -> str | None:
        """Return the parent that a descriptor names."""
        known = self.found.descriptors.get(key)
        return None if known is None else known.parent_id

    def _modes(self, parent: str | None) -> Mapping[bytes, int]:
        if parent is None:
            return {}
        entries = manifest.read(self.layout.manifest(parent))
        return {entry.path: entry.mode for entry in entries if entry.kind == FILE}

    def worktrees(self) -> Iterator[tuple[str, Worktree]]:
        """Make every worktree of the folder that it is there, and yield its record."""
        for name, head in self.found.heads.items():
            self.make_worktree(name)
            snapshot_id = self.stand(name, head)
            worktree_id = self.worktree_id(name)
            yield (
                name,
                Worktree(
                    WorktreeConfig(
                        worktree_id=worktree_id, created_at=clock.timestamp(), base_snapshot_id=None
                    ),
                    Head(
                        number=1,
                        worktree_id=worktree_id,
                        snapshot_id=snapshot_id,
                        base_snapshot_id=None,
                        fencing_token=None,
                        operation="import",
                    ),
                ),
            )

    def records(self, worktrees: Mapping[str, Worktree]) -> Records:
        """Return descriptors, worktrees and refs."""
        return Records(
            {key: catalog.read(self.layout, key) for key in self.arriving.arrived},
            worktrees,
            refs=self.refs(),
        )

    def refs(self) -> list[Ref]:
        """Return the refs whose snapshots came along; the others are named."""
        made = []
        for name, snapshot_id in self.found.refs.items():
            try:
                check_ref_name(name)
            except JvsError as error:
                self.lines.append(f"ref left out: {error.message}")
                continue
            if snapshot_id not in self.arriving.arrived:
                self.lines.append(f"ref {name!r} left out: {snapshot_id} could not be imported")
                continue
            made.append(
                Ref(
                    name=name,
                    snapshot_id=snapshot_id,
                    note="",
                    created_at=clock.timestamp(),
                    created_by=self.new.settings.holder_id,
                )
            )
        return made
