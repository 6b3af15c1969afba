"""restic itself, asked what it keeps of snapshots with given times and tags."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_KEEPS_THE_OLDEST = (0, 16)


class Restic:
    """A repository of restic's with snapshots that hold nothing, written as restic writes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run("init")
        self._key: dict[str, Any] = json.loads(self._run("cat", "masterkey"))
        found = self._run("version").split()[1]
        self._version = tuple(int(part) for part in found.split("-")[0].split(".")[:2])

    @property
    def keeps_the_oldest(self) -> bool:
        """Whether this version keeps the oldest snapshot, too, while a word of its policy has counts left."""
        return self._version >= _KEEPS_THE_OLDEST

    def kept(
        self, lists: Sequence[Sequence[tuple[datetime, Sequence[str]]]], options: Sequence[str]
    ) -> list[set[int]]:
        """Return the places, in each list of times and tags, of the snapshots that ``forget`` would keep."""
        there = self._folder / "snapshots"
        for old in there.iterdir():
            old.unlink()
        for number, snapshots in enumerate(lists):
            for place, (moment, tags) in enumerate(snapshots):
                self._write(there, f"host{number}", place, moment, tags)
        found = json.loads(self._run("forget", "--dry-run", "--json", "--group-by", "host", *options))
        kept: list[set[int]] = [set() for _ in lists]
        for group in found:
            kept[int(group["host"].removeprefix("host"))] = {int(one["username"]) for one in group["keep"]}
        return kept

    def _write(self, folder: Path, host: str, place: int, moment: datetime, tags: Sequence[str]) -> None:
        snapshot = {
            "time": moment.isoformat(),
            "tree": hashlib.sha256(b"").hexdigest(),
            "paths": ["/"],
            "hostname": host,
            "username": str(place),
            "tags": list(tags),
        }
        sealed = self._sealed(json.dumps(snapshot).encode())
        (folder / hashlib.sha256(sealed).hexdigest()).write_bytes(sealed)

    def _sealed(self, data: bytes) -> bytes:
        """Encrypt and sign as restic's design document says: AES-256-CTR, then Poly1305-AES."""
        encrypt, mac = self._key["encrypt"], self._key["mac"]
        nonce = os.urandom(16)
        secret = Cipher(algorithms.AES256(base64.b64decode(encrypt)), modes.CTR(nonce)).encryptor()
        text = secret.update(data) + secret.finalize()
        one = Cipher(algorithms.AES128(base64.b64decode(mac["k"])), modes.ECB()).encryptor()
        tag = Poly1305(base64.b64decode(mac["r"]) + one.update(nonce) + one.finalize())
        tag.update(text)
        return nonce + text + tag.finalize()

    def _run(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder.parent),
            "RESTIC_REPOSITORY": str(self._folder),
            "RESTIC_PASSWORD": "x",
            "TZ": "UTC",
        }
        done = subprocess.run(
            ["restic", "--no-cache", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def restic(folder: Path) -> Restic:
    """Return restic with a new repository in ``folder``; skip the test, or on CI fail it, where there is no restic."""
    if shutil.which("restic"):
        return Restic(folder)
    if os.environ.get("CI") == "true":
        pytest.fail("restic is required here", pytrace=False)
    pytest.skip("there is no restic")
