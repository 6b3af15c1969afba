"""Reading a repository of JVS in Go (format 1, v6.5 to v8.2): what it says is input, like a request from a network.

Its layout: ``.jvs/descriptors/<id>.json``, ``.jvs/snapshots/<id>/`` with the payload and the marker ``.READY`` in it,
``.jvs/refs``, ``.jvs/worktrees/<name>/config.json``. No link in ``.jvs`` is followed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from jvs_core import clock, regular
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.errors import (
    DescriptorCorrupt,
    InputError,
    JvsError,
    LineageBroken,
)
from jvs_core.model import NAME, SNAPSHOT_ID, Record
from jvs_core.model.forms import Name, Sha256, SnapshotId, Tag, Text
from jvs_core.operations.moving.old import in_order
from jvs_core.operations.moving.old_files import parsed, read_small, told
from jvs_core.results import RefusedSnapshot
from jvs_core.validated import Config, Field
from jvs_core.wording import counted

_MOST = 100_000
_MOST_TAGS = 1_000
_MOST_REFUSED = 1_000
_ID = re.compile(SNAPSHOT_ID[1:-1])
_NAME = re.compile(NAME[1:-1])
R = TypeVar("R", bound=Record)


class GoDescriptor(Record):
    """A descriptor as JVS in Go wrote it; ``to_json`` has every field that it had, for its checksum."""

    snapshot_id: SnapshotId
    parent_id: SnapshotId | None = None
    worktree_name: Name
    created_at: str
    note: Text = ""
    tags: tuple[Tag, ...] | None = Field(default=None, strict=False, max_length=_MOST_TAGS)
    engine: Text
    consistency_level: str | None = None
    payload_root_hash: Sha256
    descriptor_checksum: Sha256
    partial_paths: tuple[Text, ...] | None = Field(default=None, strict=False, max_length=_MOST)
    compression: dict[str, Any] | None = None

    model_config = Config(extra="allow")


class GoReady(Record):
    """The marker in a payload; that of v8.2 repeats more than that of v6.5."""

    snapshot_id: SnapshotId
    payload_root_hash: Sha256
    descriptor_checksum: Sha256 | None = None


class GoRef(Record):
    """A name of a snapshot."""

    name: Name
    target_id: SnapshotId


class GoWorktree(Record):
    """Where a worktree stands."""

    name: Name
    head_snapshot_id: Annotated[str, Field(pattern=rf"^$|{SNAPSHOT_ID}")] = ""


@dataclass
class GoRepository:
    """What a repository of JVS in Go holds, as far as it can be read; parents before their children."""

    root: Path
    repo_id: str
    descriptors: dict[str, GoDescriptor] = field(default_factory=dict)
    refused: dict[str, RefusedSnapshot] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    heads: dict[str, str | None] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        """Where its files lie, as far as that is as in this format."""
        return Layout(self.root)

    def place(self, snapshot_id: str) -> Path:
        """Return the folder of a snapshot, its payload."""
        return self.layout.snapshot(snapshot_id)

    def refuse(self, snapshot_id: str, error: JvsError) -> None:
        """Leave a snapshot out, for ``error``."""
        self.descriptors.pop(snapshot_id, None)
        if len(self.refused) < _MOST_REFUSED:
            self.refused[snapshot_id] = RefusedSnapshot.of(snapshot_id, error)


def read(layout: Layout) -> GoRepository:
    """Return what a repository says that it holds; payloads are not looked at."""
    found = GoRepository(layout.root, _repo_id(layout))
    _descriptors(found)
    _order(found)
    for name, ref in _records(found, "refs", GoRef, "ref"):
        if ref.name == name:
            found.refs[name] = ref.target_id
    _worktrees(found)
    return found


def _repo_id(layout: Layout) -> str:
    try:
        return str(
            uuid.UUID(regular.read_regular(layout.control / "repo_id", most=4096).decode("ascii").strip())
        )
    except (FileNotFoundError, ValueError, DescriptorCorrupt):
        return "unknown"


def _descriptors(found: GoRepository) -> None:
    names = found.layout.listing(found.layout.descriptors)
    if len(names) > _MOST:
        raise InputError(
            f"{found.root} has {counted(len(names), 'descriptor')}; import reads at most {_MOST:,}"
        )
    for name in sorted(names):
        snapshot_id, suffix = name[: -len(".json")], name[-len(".json") :]
        if suffix != ".json" or _ID.fullmatch(snapshot_id) is None:
            found.left_out.append(f"{name[:100]!r} in its descriptors is not a descriptor")
            continue
        try:
            descriptor = parsed(
                GoDescriptor, read_small(found.layout.descriptors / name), f"the descriptor of {snapshot_id}"
            )
            if descriptor.snapshot_id != snapshot_id:
                raise DescriptorCorrupt(f"the descriptor of {snapshot_id} names {descriptor.snapshot_id}")
            created_ms(descriptor)
        except JvsError as error:
            found.refuse(snapshot_id, error)
        else:
            found.descriptors[snapshot_id] = descriptor
    _without_descriptor(found)


def _without_descriptor(found: GoRepository) -> None:
    for name in sorted(found.layout.listing(found.layout.snapshots)):
        if _ID.fullmatch(name) and name not in found.descriptors and name not in found.refused:
            found.refuse(name, DescriptorCorrupt(f"snapshot {name} has no descriptor"))


def _order(found: GoRepository) -> None:
    """Put parents before their children. Those in a circle are refused; a missing parent is none, and said so."""
    ordered, circles = in_order({key: each.parent_id for key, each in found.descriptors.items()})
    for key in circles:
        found.refuse(key, LineageBroken(f"the lineage of {key} contains a loop"))
    found.descriptors = {key: found.descriptors[key] for key in ordered}


def _worktrees(found: GoRepository) -> None:
    folder = found.layout.control / "worktrees"
    for name in sorted(found.layout.listing(folder)):
        if _NAME.fullmatch(name) is None:
            found.left_out.append(f"worktree {name[:100]!r} has a name that this JVS does not accept")
            continue
        try:
            said = parsed(GoWorktree, read_small(folder / name / "config.json"), f"worktree {name!r}")
            if said.name != name:
                raise DescriptorCorrupt(f"the file of worktree {name!r} names {said.name!r}")
        except (JvsError, OSError) as error:
            found.left_out.append(f"worktree {name!r}: {told(error)}")
            continue
        found.heads[name] = said.head_snapshot_id or None
    found.heads.setdefault(MAIN, None)


def _records(found: GoRepository, folder: str, model: type[R], called: str) -> Iterator[tuple[str, R]]:
    for file in sorted(found.layout.listing(found.layout.control / folder))[:_MOST]:
        name = file.removesuffix(".json")
        if not file.endswith(".json") or _NAME.fullmatch(name) is None:
            found.left_out.append(f"{called} {name[:100]!r} has a name that this JVS does not accept")
            continue
        try:
            yield name, parsed(model, read_small(found.layout.control / folder / file), f"{called} {name!r}")
        except (JvsError, OSError) as error:
            found.left_out.append(f"{called} {name!r}: {told(error)}")


def created_ms(descriptor: GoDescriptor) -> int:
    """Return when a snapshot was made, in milliseconds. Raises DescriptorCorrupt."""
    text = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", descriptor.created_at[:64])
    try:
        found = clock.parse(text)
        clock.timestamp(found)
    except (InputError, ValueError, OverflowError, OSError) as error:
        raise DescriptorCorrupt(
            f"the descriptor of {descriptor.snapshot_id} has no time: {descriptor.created_at[:64]!r}"
        ) from error
    if found < 0:
        raise DescriptorCorrupt(f"the descriptor of {descriptor.snapshot_id} is from before 1970")
    return found
