"""Checkpoints: what is printed is read again, a signature fits or is refused, keys are never lost or given away."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from jvs_core.control.audit import checkpoint
from jvs_core.control.layout import Layout
from jvs_core.errors import AlreadyExists, AuditChainBroken, InputError, PathNotFound
from jvs_core.model import Checkpoint
from jvs_core.settings import Settings
from tests.core.control import logs

UNSIGNED = {
    "origin": "00000000-0000-4000-8000-000000000001",
    "seq": 1,
    "head_hash": "0" * 64,
    "created_at": "2026-02-20T10:00:00.000Z",
}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a new private key's file."""
    checkpoint.keygen(tmp_path / "audit.key")
    return tmp_path / "audit.key"


@pytest.fixture
def made(layout: Layout, ada: Settings) -> Checkpoint:
    """Return a checkpoint of a log with three records."""
    logs.grow(layout, ada, 3)
    return checkpoint.create(layout)


def _public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def test_what_is_printed_is_read_again(made: Checkpoint, key: Path) -> None:
    signed = checkpoint.sign(made, key)
    for one in (made, signed):
        assert checkpoint.read(json.dumps(one.to_json(), indent=2)) == one
    assert list(made.to_json()) == ["origin", "seq", "head_hash", "created_at"]


def test_a_signature_is_held_against_the_key_it_should_be_by(
    made: Checkpoint, key: Path, tmp_path: Path
) -> None:
    signed = checkpoint.sign(made, key)
    checkpoint.verify_signature(signed)
    checkpoint.verify_signature(signed, _public(key))
    other = checkpoint.keygen(tmp_path / "other")
    with pytest.raises(AuditChainBroken, match="another key"):
        checkpoint.verify_signature(signed, other)
    with pytest.raises(AuditChainBroken, match="not signed"):
        checkpoint.verify_signature(made, _public(key))


@pytest.mark.parametrize("field", ["origin", "seq", "head_hash", "created_at", "unknown"])
def test_any_changed_field_breaks_the_signature(made: Checkpoint, key: Path, field: str) -> None:
    changed = {
        "origin": "00000000-0000-4000-8000-000000000007",
        "seq": 2,
        "head_hash": "f" * 64,
        "unknown": 1,
        "created_at": "2026-02-20T10:00:00.000Z",
    }[field]
    forged = checkpoint.sign(made, key).changed(**{field: changed})
    with pytest.raises(AuditChainBroken, match="changed after it was signed"):
        checkpoint.verify_signature(forged, _public(key))


@pytest.mark.parametrize("value", ["", "AAAA", "no base 64!", "A" * 88])
@pytest.mark.parametrize("field", ["public_key", "value"])
def test_a_damaged_signature_is_refused(made: Checkpoint, key: Path, field: str, value: str) -> None:
    signed = checkpoint.sign(made, key)
    assert signed.signature is not None
    forged = signed.changed(signature=signed.signature.changed(**{field: value}).model_dump())
    with pytest.raises(AuditChainBroken):
        checkpoint.verify_signature(forged)


def test_a_private_key_is_for_its_owner_and_nothing_is_overwritten(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with pytest.raises(AlreadyExists):
        checkpoint.keygen(key)
    _public(key).unlink()
    with pytest.raises(AlreadyExists):
        checkpoint.keygen(key)
    assert key.read_bytes() == before
    assert not _public(key).exists()


def test_an_existing_public_key_leaves_no_private_one_behind(tmp_path: Path) -> None:
    (tmp_path / "audit.key.pub").write_text("somebody's")
    with pytest.raises(AlreadyExists):
        checkpoint.keygen(tmp_path / "audit.key")
    assert os.listdir(tmp_path) == ["audit.key.pub"]


def test_a_key_inside_a_repository_is_refused_also_through_a_link(layout: Layout, key: Path) -> None:
    (key.parent / "link").symlink_to(layout.control)
    inside = layout.root / "copy"
    inside.write_bytes(key.read_bytes())
    for path in (layout.root / "new", key.parent / "link" / "new"):
        with pytest.raises(InputError, match="inside the repository"):
            checkpoint.keygen(path)
    with pytest.raises(InputError, match="inside the repository"):
        checkpoint.sign(Checkpoint.model_validate(UNSIGNED), inside)


def test_what_is_no_key_is_refused(made: Checkpoint, key: Path, tmp_path: Path) -> None:
    rsa = tmp_path / "rsa"
    private = generate_private_key(65537, 2048)
    rsa.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "text").write_text("no key")
    for path in (rsa, tmp_path / "text", _public(key)):
        with pytest.raises(InputError):
            checkpoint.sign(made, path)
    with pytest.raises(InputError):
        checkpoint.verify_signature(checkpoint.sign(made, key), key)
    with pytest.raises(PathNotFound):
        checkpoint.sign(made, tmp_path / "missing")
    with pytest.raises(PathNotFound):
        checkpoint.keygen(tmp_path / "missing" / "key")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"seq": 1}',
        json.dumps({**UNSIGNED, "seq": -1}),
        json.dumps({**UNSIGNED, "seq": 1.0}),
        json.dumps({**UNSIGNED, "seq": 2**60}),
        json.dumps({**UNSIGNED, "seq": 0}),
        json.dumps({**UNSIGNED, "head_hash": ""}),
        json.dumps({**UNSIGNED, "head_hash": "F" * 64}),
        json.dumps({**UNSIGNED, "origin": "\ud800"}),
        json.dumps({**UNSIGNED, "signature": {"algo": "rsa", "public_key": "", "value": ""}}),
        json.dumps(UNSIGNED)[:-1] + ', "seq": 1}',
        "[" * 100_000,
        json.dumps({**UNSIGNED, "origin": "r" * 100_000}),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not an audit checkpoint"):
        checkpoint.read(text)


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_no_text_makes_a_traceback(text: str) -> None:
    with pytest.raises(InputError):
        checkpoint.read(text)
