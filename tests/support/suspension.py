"""A writer that is suspended at a named step while others go on, and that wakes later."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from unittest import mock

from jvs_core import Repository
from jvs_core.operations.locking import renewal
from jvs_core.progress import Silent

# The steps of a snapshot up to the one that moves the head.
PUBLISHING = (
    "check",
    "intent",
    "clone",
    "manifest",
    "settle",
    "descriptor",
    "ready",
    "fence",
    "publish",
    "catalog",
    "head",
)


class Stopped(Silent):
    """Stop at a step until told to go on."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.there = threading.Event()
        self.go = threading.Event()

    def started(self, step: str, total: int | None = None) -> None:
        if step == self.step and not self.there.is_set():
            self.there.set()
            assert self.go.wait(60)


def suspended(
    ours: Repository, act: Callable[[Stopped], object], step: str, meanwhile: Callable[[], object]
) -> object:
    """Return what ``act`` gave or raised that slept at ``step`` while ``meanwhile`` ran.

    The sleeper renews no lease, and its file lock on the repository is revoked, as JuiceFS does to a client that was
    silent: another file stands in the lock's place.
    """
    result: list[object] = []
    stop = Stopped(step)

    def work() -> None:
        try:
            result.append(act(stop))
        except BaseException as error:  # noqa: BLE001 - the caller looks at whatever it is
            result.append(error)

    thread = threading.Thread(target=work)
    with mock.patch.object(renewal, "_keep", lambda renew, lease, ended: ended.wait()):
        thread.start()
        assert stop.there.wait(60), result
    lock = ours.root / ".jvs/locks/repository"
    revoked = lock.with_name("revoked")
    lock.rename(revoked)
    lock.touch()
    try:
        meanwhile()
    finally:
        stop.go.set()
        thread.join(60)
        revoked.unlink(missing_ok=True)  # doctor may have taken it for a stray
    return result[0]


def silence(repo: Repository) -> None:
    """Let whatever is under way look as if another machine had begun it and been silent for an hour."""
    for path in (repo.root / ".jvs" / "intents").glob("*.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "boot_id": "elsewhere", "machine_id": "0" * 32}))
        os.utime(path, (time.time() - 3600, time.time() - 3600))
