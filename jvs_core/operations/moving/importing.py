"""Making a repository of one of JVS in Go. Nothing in that one is changed.

Its steps: ``read``, for each snapshot ``clone``, for many together ``settle`` and ``catalog``, ``worktrees``, ``records``,
``audit``, ``publish``. As a clone it lies in the hidden folder ``.NAME.unfinished`` until the last.
"""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from jvs_core import clock
from jvs_core.control import catalog, control_folders
from jvs_core.control.audit import writer
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN, check_ref_name
from jvs_core.errors import JvsError
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Descriptor, HashValue, Head, Ref, Worktree, WorktreeConfig
from jvs_core.operations.context import Context, step
from jvs_core.operations.init import place_of
from jvs_core.operations.moving import go_payload, go_repository, site
from jvs_core.operations.moving.arriving import Arriving, Incoming
from jvs_core.operations.moving.go_repository import GoDescriptor, GoRepository, created_ms
from jvs_core.operations.moving.records import Records
from jvs_core.operations.preparation import encode_ready
from jvs_core.operations.refs import check_tag
from jvs_core.payload import manifest
from jvs_core.payload.tree.entry import FILE
from jvs_core.progress import Progress
from jvs_core.results import Imported, ImportedSnapshot
from jvs_core.settings import RepositoryConfig, Settings, render_config

_MOST_LINES = 200


def import_go(source: Path, path: Path, settings: Settings, progress: Progress) -> Imported:
    """Make the repository ``path`` of the one of JVS in Go at ``source``.

    Snapshots keep their ids. One that is damaged is refused, by name; worktrees come as they lie there, changes that no
    snapshot has included.

    Raises
    ------
    NotARepository, UntrustedRepository, FormatUnsupported
        ``source`` is no repository of JVS in Go that the caller may believe.
    NameInvalid, AlreadyExists, PathNotFound, InputError
        ``path`` cannot become a repository.
    LockConflict
        The same import is under way.
    """
    target = place_of(path)
    site.require_free(target)
    with step(progress, "read"):
        found = go_repository.read(source, settings)
    what = site.Undertaking(
        operation="import",
        source=str(found.root),
        source_identity=found.repo_id,
        only=None,
        same_identity=False,
    )
    config = RepositoryConfig()
    with site.site(target, False, what) as layout:
        repo_id = str(uuid.uuid4())
        site.describe(layout, repo_id, render_config(config).encode())
        with ExitStack() as undo:
            work = _Import(found, Context(layout, settings, config, repo_id), progress, undo)
            work.arriving.bring({key: partial(work.incoming, key) for key in list(found.descriptors)})
        with step(progress, "worktrees"):
            worktrees = dict(work.worktrees())
        descriptors = {key: catalog.read(layout, key) for key in work.arriving.arrived}
        records = Records(descriptors, worktrees, refs=work.refs())
        refused = {each.snapshot_id: each for each in (*found.refused.values(), *work.arriving.refused)}
        lines = [*found.left_out, *work.lines, *work.arriving.losses]
        more = len(lines) - _MOST_LINES
        lines = lines[:_MOST_LINES] + ([f"and {more} more"] if more > 0 else [])
        imported = [work.came[key] for key in work.arriving.arrived]
        with step(progress, "records"):
            records.write(layout)
        with step(progress, "audit"):
            writer.append(
                layout,
                settings,
                "import",
                worktree=MAIN,
                worktree_id=worktrees[MAIN].worktree_id,
                target=target.name,
                details={
                    "source": {"root": str(found.root), "repo_id": found.repo_id},
                    "imported": {each.snapshot_id: each.checked for each in imported},
                    "refused": [refused[key].to_json() for key in sorted(refused)],
                    **({"degraded": lines} if lines else {}),
                    **records.details(),
                },
            )
        with uninterrupted(), step(progress, "publish"):
            site.publish(layout, target)
    return Imported(
        repo_root=str(target),
        repo_id=repo_id,
        imported=imported,
        refused=[refused[key] for key in sorted(refused)],
        degraded=tuple(lines),
    )


@dataclass
class _Import:
    """An import under way, from ``found`` into ``new``."""

    found: GoRepository
    new: Context
    progress: Progress
    undo: ExitStack
    came: dict[str, ImportedSnapshot] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arriving = Arriving(self.layout, self.new.engine(), self.progress)

    @property
    def layout(self) -> Layout:
        """Where the new repository is put together."""
        return self.new.layout

    def incoming(self, key: str) -> Incoming:
        """Return a snapshot as it will lie here. What was unpacked for the one before is removed first."""
        self.undo.close()
        descriptor = self.found.descriptors[key]
        parent = self._parent(descriptor)
        payload = self.undo.enter_context(
            go_payload.opened(self.found, descriptor, self.layout.root / "unpacked", self._modes(parent))
        )
        data = manifest.encoded(payload.entries)
        degraded = [*payload.degraded]
        if descriptor.partial_paths:
            degraded.append(f"partial: JVS in Go took only {', '.join(descriptor.partial_paths)[:2000]}")
        if parent != descriptor.parent_id:
            degraded.append(f"its parent {descriptor.parent_id} did not come along")
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
        return str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"jvs-import:{self.found.root}:{self.found.repo_id}:{name}")
        )

    def _parent(self, descriptor: GoDescriptor) -> str | None:
        """Return the nearest ancestor that came along."""
        here = descriptor.parent_id
        while here is not None and here not in self.arriving.arrived:
            known = self.found.descriptors.get(here)
            here = None if known is None else known.parent_id
        return here

    def _modes(self, parent: str | None) -> Mapping[bytes, int]:
        if parent is None:
            return {}
        entries = manifest.read(self.layout.manifest(parent))
        return {entry.path: entry.mode for entry in entries if entry.kind == FILE}

    def worktrees(self) -> Iterator[tuple[str, Worktree]]:
        """Make every worktree of the folder that it is there, and yield its record."""
        for name, head in self.found.heads.items():
            folder = self.found.root / MAIN if name == MAIN else self.found.root / "worktrees" / name
            self._make(name, folder)
            snapshot_id = head
            while snapshot_id is not None and snapshot_id not in self.arriving.arrived:
                known = self.found.descriptors.get(snapshot_id)
                snapshot_id = None if known is None else known.parent_id
            if snapshot_id != head:
                self.lines.append(
                    f"worktree {name!r} stands at {snapshot_id or 'no snapshot'}: {head} did not come"
                )
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

    def _make(self, name: str, folder: Path) -> None:
        place, engine = self.layout.worktree(name), self.arriving.engine
        if os.path.lexists(place):  # of an earlier try; the folder may have changed since
            engine.remove(place)
        if _is_folder(folder) and _is_folder(folder.parent):
            lines: Sequence[str] = engine.adopt(folder, place, progress=self.progress)
            self.lines += [f"worktree {name!r}: {line}" for line in lines]
        else:
            self.lines.append(f"worktree {name!r} has no folder")
            engine.make_worktree(place)
        engine.settle(place)
        if name == MAIN:
            control_folders.close(self.layout, place)

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
                self.lines.append(f"ref {name!r} left out: {snapshot_id} did not come along")
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


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
