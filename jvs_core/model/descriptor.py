"""What a snapshot is, the later edits of its note and tags, and the marker that it is complete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from jvs_core.model.forms import Count, Holder, KindName, Name, Sha256, SnapshotId, Tag, Text, Timestamp, Uuid
from jvs_core.model.record import Record
from jvs_core.validated import Config, Field

# Why a snapshot was made; ``auto`` ones are made unasked and may thin out.
Kind = Literal["user", "auto", "run", "restore", "checkpoint"]
IntegrityState = Literal["verified", "unverified", "corrupt"]


class HashValue(Record):
    """A digest with the name of its algorithm."""

    algo: Literal["sha256"] = "sha256"
    value: Sha256


class Descriptor(Record):
    """The record of a snapshot; it never changes after it is published.

    ``kind`` is None in old snapshots; a later JVS may write other kinds than ``Kind``.
    """

    snapshot_id: SnapshotId
    worktree_id: Uuid
    worktree: Name
    parent_snapshot_id: SnapshotId | None
    created_at: Timestamp
    note: str
    tags: tuple[str, ...] = Field(strict=False)
    engine: str
    requested_engine: str
    consistency_level: Literal["quiesced", "best_effort"]
    fencing_token: Count
    holder_id: Holder
    files: Count
    bytes: Count
    degraded: tuple[str, ...] = Field(strict=False)
    payload_root_hash: HashValue
    manifest_hash: HashValue
    cells_hash: HashValue | None = None
    kind: KindName | None = None
    excluded: tuple[Text, ...] | None = Field(default=None, strict=False)
    descriptor_checksum: HashValue | None = None
    integrity_state: IntegrityState = "unverified"
    schema_: Annotated[int, Field(ge=1)] = Field(default=1, key="schema")

    model_config = Config(extra="allow", populate_by_name=True, serialize_by_alias=True)

    @property
    def original(self) -> Descriptor:
        """The descriptor as it was made, whatever was edited afterwards."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as plain JSON values; ``cells_hash``, ``kind`` and ``excluded`` only where it has them."""
        shown = super().to_json()
        for field in ("cells_hash", "kind", "excluded"):
            if shown[field] is None:
                del shown[field]
        return shown


class Annotation(Record):
    """An edit of a snapshot's note and tags: the file ``annotations/<snapshot>/<number>``, never rewritten.

    ``note`` is the new one, None where it stays.
    """

    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    snapshot_id: SnapshotId
    note: Text | None
    added_tags: tuple[Tag, ...] = Field(strict=False)
    removed_tags: tuple[Tag, ...] = Field(strict=False)
    created_at: Timestamp
    created_by: Holder


class AnnotatedDescriptor(Descriptor):
    """A descriptor as it is shown after edits of its note and tags, with the edits, oldest first.

    It lies nowhere on disk: ``descriptor_checksum`` is that of ``original``.
    """

    annotations: tuple[Annotation, ...]

    @classmethod
    def of(cls, original: Descriptor, annotations: Sequence[Annotation]) -> AnnotatedDescriptor:
        """Return what ``original`` is after ``annotations``."""
        note, tags = original.note, list(original.tags)
        for edit in annotations:
            note = note if edit.note is None else edit.note
            tags = [tag for tag in tags if tag not in edit.removed_tags]
            tags += [tag for tag in edit.added_tags if tag not in tags]
        fields = {**original.model_dump(), "note": note, "tags": tags, "annotations": tuple(annotations)}
        made = cls.model_validate(fields)
        made.model_attach(original)
        return made

    @property
    def original(self) -> Descriptor:
        """The descriptor as it was made, and as it lies on disk."""
        original = self.model_attached
        assert isinstance(original, Descriptor)
        return original


class Ready(Record):
    """The marker written last into a snapshot, beside its payload."""

    snapshot_id: SnapshotId
    created_at: Timestamp
    engine: str
    descriptor_checksum: HashValue
    payload_root_hash: HashValue
