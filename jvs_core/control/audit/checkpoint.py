"""Audit checkpoints: the log's head, printed for somebody outside the repository to keep, signed if wanted.

Whoever keeps one can tell later that the log was cut, rolled back or rewritten, whatever was done to the repository.
A signature (Ed25519 over a context line and the canonical JSON of all other fields) shows that the kept file itself is as it was made.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jvs_core import canonical, clock, files, regular, syncing
from jvs_core.control.audit import log_file
from jvs_core.control.discovery import find_root
from jvs_core.control.layout import Layout
from jvs_core.errors import (
    AlreadyExists,
    AuditChainBroken,
    DescriptorCorrupt,
    InputError,
    NotARepository,
    PathNotFound,
)
from jvs_core.model import Checkpoint, Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LONGEST = 65_536
# What a signature covers begins with this, so that the key signs nothing else by it.
_SIGNED_CONTEXT = b"jvs audit checkpoint 2\n"
_HINT = "give a file that this made: jvs audit checkpoint --json"


def create(layout: Layout) -> Checkpoint:
    """Return a checkpoint of the log as it is.

    Raises AuditChainBroken when the log has no readable head.
    """
    head = log_file.read_head(layout)
    return Checkpoint(
        origin=head["origin"], seq=head["seq"], head_hash=head["head_hash"], created_at=clock.timestamp()
    )


def read(text: str) -> Checkpoint:
    """Return the checkpoint that ``text`` holds, as ``create`` or ``sign`` made it, dumped as JSON.

    Raises InputError.
    """
    if len(text) > LONGEST:
        raise InputError(f"not an audit checkpoint: longer than {LONGEST} characters", hint=_HINT)
    try:
        found = Checkpoint.parse(
            json.dumps(json.loads(text, object_pairs_hook=_unique)).encode(), "the checkpoint"
        )
        canonical.dumps(found.to_json())
    except (ValueError, RecursionError, DescriptorCorrupt, InputError) as error:
        raise InputError(f"not an audit checkpoint: {error}", hint=_HINT) from error
    if (found.seq == 0) != (found.head_hash == ""):
        raise InputError("not an audit checkpoint: only an empty log has no head hash", hint=_HINT)
    return found


def sign(checkpoint: Checkpoint, key: Path) -> Checkpoint:
    """Return ``checkpoint`` with a signature by the private key in the file ``key``.

    Raises InputError when ``key`` lies inside a repository or holds no Ed25519 key, PathNotFound when it is missing.
    """
    private = _load_private(key)
    signature = Signature(
        algo="ed25519",
        public_key=_encode(private.public_key().public_bytes_raw()),
        value=_encode(private.sign(_signed_bytes(checkpoint))),
    )
    return checkpoint.model_copy(update={"signature": signature})


def verify_signature(checkpoint: Checkpoint, public_key: Path | None = None) -> None:
    """Make sure that a checkpoint is as it was signed, by the key in the file ``public_key`` where one is given.

    Without a key, an unsigned checkpoint passes, and a signed one is checked against the key it carries: that finds
    damage, not an author.

    Raises
    ------
    AuditChainBroken
        The signature does not fit, was made by another key, or is missing although a key was given.
    InputError, PathNotFound
        ``public_key`` holds no Ed25519 key, or is not there.
    """
    from cryptography.exceptions import InvalidSignature

    wanted = None if public_key is None else _load_public(public_key)
    if checkpoint.signature is None:
        if wanted is not None:
            raise AuditChainBroken("the checkpoint is not signed", hint="jvs audit checkpoint --key FILE")
        return
    carried = _decode(checkpoint.signature.public_key)
    if wanted is not None and carried != wanted.public_bytes_raw():
        raise AuditChainBroken(
            "the checkpoint was signed by another key", hint="use the public key of its signer"
        )
    try:
        _public(carried).verify(_decode(checkpoint.signature.value), _signed_bytes(checkpoint))
    except (InvalidSignature, ValueError) as error:
        raise AuditChainBroken(
            "the checkpoint was changed after it was signed", hint="use another copy of the checkpoint"
        ) from error


def keygen(path: Path) -> Path:
    """Write a new private key to ``path`` (PEM, readable by its owner only) and return its public key's ``path.pub``.

    Nothing is ever overwritten.

    Raises
    ------
    InputError
        ``path`` lies inside a repository: whoever can change the log could sign it.
    AlreadyExists, PathNotFound
        One of the two files exists; the folder for them does not.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    _require_outside(path)
    public_path = path.with_name(path.name + ".pub")
    if not path.parent.is_dir():
        raise PathNotFound(f"{path.parent} is not a folder", hint=f"mkdir -p {path.parent}")
    if os.path.lexists(public_path):
        raise AlreadyExists(f"{public_path} already exists", hint="choose another name")
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    files.write_new(path, secret, mode=0o600)
    try:
        files.write_new(public_path, public, mode=0o644)
        syncing.sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            files.unlink(path)
        raise
    return public_path


def _signed_bytes(checkpoint: Checkpoint) -> bytes:
    return _SIGNED_CONTEXT + canonical.dumps(
        {name: value for name, value in checkpoint.to_json().items() if name != "signature"}
    )


def _require_outside(path: Path) -> None:
    """Raise InputError when ``path``, its links followed, lies inside any repository."""
    with suppress(NotARepository):
        root = find_root(Path(os.path.realpath(path)).parent)
        raise InputError(
            f"the key {path} would be inside the repository {root}, where anybody who changes the log could also sign it",
            hint="keep it outside, for example in ~/.config/jvs",
        )


def _load_private(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    _require_outside(path)
    try:
        key = load_pem_private_key(_read_key(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path} holds no private key", hint=f"jvs audit keygen {path}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} holds no Ed25519 key", hint=f"jvs audit keygen {path}")
    return key


def _load_public(path: Path) -> Ed25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read_key(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path} holds no public key", hint="give the .pub file of the signer") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path} holds no Ed25519 key", hint="give the .pub file of the signer")
    return key


def _read_key(path: Path) -> bytes:
    try:
        return regular.read_named(path, LONGEST)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise PathNotFound(f"no key file {path}", hint=f"jvs audit keygen {path}") from error


def _public(raw: bytes) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuditChainBroken(
            "the checkpoint's signature is damaged", hint="use another copy of the checkpoint"
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field appears twice")
    return found
