"""Whatever lies on disk is read as what its writer wrote, or refused by the contract's error: never a traceback."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jvs_core import Repository, canonical
from jvs_core.control import catalog
from jvs_core.control.audit import log_file
from jvs_core.control.lock import slots
from jvs_core.errors import JvsError
from jvs_core.model import Checkpoint, Record, models
from jvs_core.operations.context import read_config
from jvs_core.payload import manifest
from tests.properties.conftest import PROOF


def names(value: type) -> str:
    return value.__name__


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """Return one real file of each kind, as a repository that has done everything holds them."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("examples")
        patch.setenv("JVS_STATE_DIR", str(folder / "state"))
        patch.setenv("JVS_CACHE_DIR", str(folder / "cache"))
        repo = Repository.init(folder / "repo")
        main = repo.root / "main"
        (main / "a\tb\\c\nd").write_text("content")
        (main / "link").symlink_to("a\nb")
        (main / "twice").hardlink_to(main / "a\tb\\c\nd")
        repo.locks.acquire()
        made = repo.snapshot("one", tags=["t"])
        (main / "more").write_text("more")
        repo.restore_inplace(made.snapshot_id, reason="test")
        repo.refs.create("name", "HEAD")
        repo.annotate("HEAD", note="edited", add_tags=["good"])
        control = repo.root / ".jvs"
        (lock,) = (control / "locks").glob("*-*/*")
        yield {
            "manifest": (control / "snapshots" / made.snapshot_id / "manifest").read_bytes(),
            "lock": lock.read_bytes(),
            "head": (control / "audit" / "head").read_bytes(),
            "config": (control / "config.toml").read_bytes(),
            "line": (control / "audit" / "audit.jsonl").read_bytes().splitlines(keepends=True)[1],
            "descriptor": (control / "descriptors" / f"{made.snapshot_id}.json").read_bytes(),
            "ready": (control / "snapshots" / made.snapshot_id / ".READY").read_bytes(),
            "worktree": (control / "worktrees" / "main" / "config.json").read_bytes(),
            "stand": max((control / "worktrees" / "main" / "heads").iterdir()).read_bytes(),
            "annotation": (control / "annotations" / made.snapshot_id / "1").read_bytes(),
            "ref": (control / "refs" / "name.json").read_bytes(),
            "pin": next((control / "gc" / "pins").glob("*.json")).read_bytes(),
        }


@st.composite
def spoiled(draw: st.DrawFn, original: bytes) -> bytes:
    """Draw ``original`` with some of its bytes changed, taken out, put in, doubled or cut off."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["change", "remove", "insert", "double", "cut"])):
            case "change" if data:
                data[at] = draw(st.integers(0, 255))
            case "remove":
                del data[at : at + draw(st.integers(1, 8))]
            case "insert":
                data[at:at] = draw(
                    st.binary(min_size=1, max_size=8) | st.sampled_from([b"\n", b"\t", b"0", b"-", b"\\"])
                )
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 100))]
            case "cut":
                del data[at:]
    return bytes(data)


def refused(read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns, or None where it refuses as the contract says."""
    try:
        return read()
    except JvsError:
        return None


def at_path(data: bytes, read: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(data)
        return refused(lambda: read(path))


@PROOF
@given(data=st.data())
def test_a_manifest_is_read_only_as_it_was_written(data: st.DataObject, examples: dict[str, bytes]) -> None:
    changed = data.draw(spoiled(examples["manifest"]) | st.binary(max_size=200))
    entries = at_path(changed, manifest.read)
    if entries is not None:
        with tempfile.TemporaryDirectory() as folder:
            manifest.write(Path(folder, "again"), entries)
            assert Path(folder, "again").read_bytes() == changed


@pytest.mark.parametrize("kind", ["lock", "head"])
@PROOF
@given(data=st.data())
def test_slots_give_a_value_that_was_written_or_none(
    kind: str, data: st.DataObject, examples: dict[str, bytes]
) -> None:
    original = examples[kind]
    written = [
        json.loads(half.rstrip(b"\0").partition(b" ")[2])["value"]
        for half in (original[: slots.SLOT_BYTES], original[slots.SLOT_BYTES :])
        if half.strip(b"\0")
    ]
    value = at_path(data.draw(spoiled(original)), slots.read)
    assert value is None or value in written


@pytest.mark.parametrize("model", models(), ids=names)
@PROOF
@given(value=json_values, raw=st.binary(max_size=100))
def test_json_of_another_shape_is_refused_by_every_record(
    model: type[Record], value: Any, raw: bytes
) -> None:
    for data in (json.dumps(value).encode("utf-8", "surrogatepass"), raw):
        record = refused(lambda: model.parse(data, "it"))  # noqa: B023 - called at once
        if record is not None:
            assert model.parse(canonical.dumps(record.model_dump()), "it") == record


@pytest.mark.parametrize(
    "kind", ["descriptor", "ready", "worktree", "stand", "annotation", "ref", "pin", "line"]
)
@PROOF
@given(data=st.data())
def test_a_spoiled_record_is_refused_or_one_that_can_be_written(
    kind: str, data: st.DataObject, examples: dict[str, bytes]
) -> None:
    called = {"line": "auditrecord", "worktree": "worktreeconfig", "stand": "head"}.get(kind, kind)
    (model,) = [m for m in models() if m.__name__.lower() == called]
    changed = data.draw(spoiled(examples[kind]))
    record = refused(lambda: model.parse(changed, "it"))
    if record is not None:
        again = refused(lambda: canonical.dumps(record.model_dump()))
        assert again is None or model.parse(again, "it") == record


@PROOF
@given(data=st.data())
def test_a_spoiled_descriptor_never_has_its_checksum(data: st.DataObject, examples: dict[str, bytes]) -> None:
    (model,) = [m for m in models() if m.__name__ == "Descriptor"]
    original = model.parse(examples["descriptor"], "it")
    record: Any = refused(lambda: model.parse(data.draw(spoiled(examples["descriptor"])), "it"))
    if record is not None and refused(lambda: catalog.checksum(record)) == record.descriptor_checksum:
        fields = {"integrity_state": None, "descriptor_checksum": None}
        assert {**record.to_json(), **fields} == {**original.to_json(), **fields}


@PROOF
@given(data=st.data())
def test_a_spoiled_audit_record_is_refused(data: st.DataObject, examples: dict[str, bytes]) -> None:
    changed = data.draw(spoiled(examples["line"]))
    record = refused(lambda: log_file.parse_line(changed))
    assert record is None or record.to_json() == json.loads(examples["line"])


@PROOF
@given(data=st.data())
def test_a_spoiled_configuration_is_refused_or_toml_of_known_keys(
    data: st.DataObject, examples: dict[str, bytes]
) -> None:
    changed = data.draw(spoiled(examples["config"]) | st.binary(max_size=100))
    config = at_path(changed, read_config)
    if config is not None:
        given_keys = tomllib.loads(changed.decode()).keys()
        assert given_keys <= {"engine", "shared", "lease", "retention"}


@PROOF
@given(value=json_values, raw=st.binary(max_size=200))
def test_anything_as_a_checkpoint_is_refused_or_one(value: Any, raw: bytes) -> None:
    for data in (json.dumps(value).encode("utf-8", "surrogatepass"), raw):
        assert refused(lambda: Checkpoint.parse(data, "it")) is None or b"head_hash" in data  # noqa: B023 - called at once
