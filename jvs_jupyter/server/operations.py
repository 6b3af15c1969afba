"""Long work: a bounded pool of threads, one writer a worktree, progress, cancelling, and keys against doing it twice."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from jvs_core import JvsError
from jvs_jupyter.server.errors import RequestError, described, invalid
from jvs_jupyter.server.progress import Cancelled, Receiver

Kind = Literal[
    "init",
    "adopt",
    "snapshot",
    "restore",
    "restore_inplace",
    "restore_path",
    "put_back",
    "undo",
    "redo",
    "worktree_create",
    "worktree_remove",
    "reproduce",
]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[Receiver], dict[str, Any]]


def now() -> str:
    """Return the time as every record has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@dataclass(frozen=True)
class Subject:
    """Whose operation it is: a worktree of a repository, or nothing yet while one is being made."""

    repo_id: str | None = None
    worktree: str | None = None
    worktree_path: str | None = None


@dataclass(eq=False)
class Operation:
    """One piece of long work, as the event loop sees it."""

    kind: Kind
    subject: Subject
    receiver: Receiver
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: State = "queued"
    result: dict[str, Any] | None = None
    failure: JvsError | RequestError | None = None
    created_at: str = field(default_factory=now)
    started_at: str | None = None
    finished_at: str | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def to_json(self) -> dict[str, Any]:
        """Return the operation as the REST interface shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "progress": self.receiver.to_json(),
            "result": self.result,
            "error": self.failure.to_json() if self.failure else None,
            "repo_id": self.subject.repo_id,
            "worktree": self.subject.worktree,
            "worktree_path": self.subject.worktree_path,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }


@dataclass(frozen=True)
class Key:
    """An ``Idempotency-Key`` with who sent it, and what the request with it was."""

    user: str
    key: str
    request: str


class Operations:
    """The operations of one server. Every method is called on the event loop.

    Finished ones are remembered up to ``kept``; no more than ``queue`` wait or run at a time. Operations with the same
    ``turn`` run one after another, in the order they came.
    """

    def __init__(
        self,
        *,
        threads: int,
        queue: int,
        kept: int,
        tell: Callable[[Operation], None],
        log: logging.Logger,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="jvs-operation")
        self._slots = asyncio.Semaphore(threads)
        self._turns: dict[Hashable, tuple[asyncio.Lock, int]] = {}
        self._queue = queue
        self._kept = kept
        self._tell = tell
        self._log = log
        self._known: OrderedDict[str, Operation] = OrderedDict()
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(
        self, kind: Kind, subject: Subject, work: Work, *, turn: Hashable = None, key: Key | None = None
    ) -> Operation:
        """Begin ``work`` in a thread and return the operation; with a ``key`` seen before, the one it began then.

        ``turn`` None waits for nobody. Raises RequestError: 422 for a key used for something else, 503 when too much
        is queued.
        """
        earlier = self.begun(key)
        if earlier is not None:
            return earlier
        if len(self._tasks) >= self._queue:
            raise RequestError(503, "E_BUSY", "too many operations are running", "try again in a while")
        loop = asyncio.get_running_loop()

        def moved() -> None:
            loop.call_soon_threadsafe(self._moved, operation)

        receiver = Receiver(moved)
        operation = Operation(kind, subject, receiver)
        self._known[operation.id] = operation
        if key is not None:
            self._keys[key.user, key.key] = (key.request, operation.id)
        task = loop.create_task(self._carry_out(operation, work, turn), name=f"jvs-{kind}")
        self._tasks[operation.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(operation.id, None))
        self._forget_oldest()
        self._tell(operation)
        return operation

    @asynccontextmanager
    async def in_turn(self, turn: Hashable) -> AsyncIterator[None]:
        """Wait for the turn of work that is no operation of anybody's, and have it for the block."""
        lock = self._enter(turn)
        try:
            async with lock:
                yield
        finally:
            self._leave(turn)

    def begun(self, key: Key | None) -> Operation | None:
        """Return the operation that a key began. Raises RequestError (422) when it stood for another request."""
        if key is None or (key.user, key.key) not in self._keys:
            return None
        request, operation_id = self._keys[key.user, key.key]
        if request != key.request:
            raise invalid(f"Idempotency-Key {key.key!r} was used for another request")
        return self._known[operation_id]

    def get(self, operation_id: str) -> Operation:
        """Return an operation. Raises RequestError (404)."""
        try:
            return self._known[operation_id]
        except KeyError:
            raise RequestError(
                404,
                "E_OPERATION_NOT_FOUND",
                f"no operation {operation_id}",
                "the server forgets operations some time after they end",
            ) from None

    def of_worktree(self, repo_id: str, worktree: str) -> list[Operation]:
        """Return what is remembered of a worktree, newest first."""
        every = reversed(self._known.values())
        return [o for o in every if (o.subject.repo_id, o.subject.worktree) == (repo_id, worktree)]

    def cancel(self, operation: Operation) -> None:
        """Cancel an operation: a queued one at once, a running one where it can still be left."""
        operation.receiver.cancel()
        if operation.state == "queued":
            self._end(operation, "cancelled")
            self._tasks[operation.id].cancel()

    async def close(self) -> None:
        """Cancel what can be cancelled, wait for what cannot, and end the threads."""
        for operation in list(self._known.values()):
            if not operation.over.is_set():
                self.cancel(operation)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        self._pool.shutdown()

    async def _carry_out(self, operation: Operation, work: Work, turn: Hashable) -> None:
        lock = self._enter(turn)
        try:
            async with lock, self._slots:
                operation.state = "running"
                operation.started_at = now()
                self._tell(operation)
                await self._work(operation, work)
        finally:
            self._leave(turn)

    async def _work(self, operation: Operation, work: Work) -> None:
        loop = asyncio.get_running_loop()
        try:
            operation.result = await loop.run_in_executor(self._pool, work, operation.receiver)
        except Cancelled:
            self._end(operation, "cancelled")
        except (JvsError, RequestError) as error:
            operation.failure = error
            self._end(operation, "failed")
        except Exception as error:  # noqa: BLE001 - the operation's owner must hear of it, and the log has the rest
            self._log.exception("JVS operation %s failed", operation.kind)
            operation.failure = described(500, f"unexpected {type(error).__name__}")
            self._end(operation, "failed")
        else:
            self._end(operation, "done")

    def _end(self, operation: Operation, state: State) -> None:
        operation.state = state
        operation.finished_at = now()
        if state == "cancelled":
            operation.failure = RequestError(409, "E_CANCELLED", f"the {operation.kind} was cancelled")
        operation.over.set()
        self._tell(operation)

    def _moved(self, operation: Operation) -> None:
        if operation.state == "running":
            self._tell(operation)

    def _enter(self, turn: Hashable) -> asyncio.Lock:
        if turn is None:
            return asyncio.Lock()
        lock, waiting = self._turns.get(turn, (asyncio.Lock(), 0))
        self._turns[turn] = (lock, waiting + 1)
        return lock

    def _leave(self, turn: Hashable) -> None:
        if turn is None:
            return
        lock, waiting = self._turns.pop(turn)
        if waiting > 1:
            self._turns[turn] = (lock, waiting - 1)

    def _forget_oldest(self) -> None:
        over = [operation for operation in self._known.values() if operation.over.is_set()]
        forgotten = {operation.id for operation in over[: max(len(over) - self._kept, 0)]}
        for operation_id in forgotten:
            del self._known[operation_id]
        if forgotten:
            self._keys = {key: value for key, value in self._keys.items() if value[1] not in forgotten}
