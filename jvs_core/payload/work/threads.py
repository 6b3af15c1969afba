"""Running the same work on many small items in threads, for file systems where every call waits for a network."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    items: Sequence[Item],
    opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]],
    count: int,
) -> list[Result]:
    """Return what the function that ``opened`` yields makes of each item, in the order of ``items``.

    ``opened`` is entered once in each of up to ``count`` threads, so what it holds is shared by none. The first
    failure is raised here after all threads have ended; work that was not begun by then is not done. So does an
    interrupt.
    """
    results: dict[int, Result] = {}
    failures: list[BaseException] = []
    positions = iter(range(len(items)))
    lock = threading.Lock()

    def serve() -> None:
        try:
            with opened() as work:
                while not failures:
                    with lock:
                        position = next(positions, None)
                    if position is None:
                        return
                    results[position] = work(items[position])
        except BaseException as failure:  # noqa: BLE001 - the calling thread raises it
            failures.append(failure)

    together(serve, min(count, len(items)), failures)
    return [results[position] for position in range(len(items))]


def unfold(
    first: Item,
    opened: Callable[[], AbstractContextManager[Callable[[Item], Sequence[Item]]]],
    count: int,
) -> None:
    """Give ``first``, and then everything that the function returns for it, to the function that ``opened`` yields, until nothing comes any more.

    ``opened`` is entered once in each of up to ``count`` threads, this one included; the others begin when more waits than
    those that are there can take. The last item that came is taken first. Failures and interrupts as for ``each``.
    """
    waiting = [first]
    failures: list[BaseException] = []
    unfinished, idle = 1, 0
    wake = threading.Condition()

    def take() -> tuple[Item] | None:
        nonlocal idle
        with wake:
            while not waiting and unfinished and not failures:
                idle += 1
                wake.wait(0.5)
                idle -= 1
            return (waiting.pop(),) if waiting and not failures else None

    # The crew is given, not taken from around: in a circle, all of this would wait for the collector.
    def serve(crew: _Crew) -> None:
        nonlocal unfinished
        try:
            with opened() as work:
                while (taken := take()) is not None:
                    came = work(taken[0])
                    with wake:
                        waiting.extend(came)
                        unfinished += len(came) - 1
                        if unfinished:
                            wake.notify(len(came))
                        else:
                            wake.notify_all()
                        lacking = len(waiting) - 1 - idle
                    crew.enlarge(lacking)
        except BaseException as failure:  # noqa: BLE001 - the calling thread raises it
            with wake:
                failures.append(failure)
                wake.notify_all()

    _Crew(serve, count - 1, failures).work()


def together(serve: Callable[[], None], count: int, failures: list[BaseException]) -> None:
    """Run ``serve`` in ``count`` threads, this one included; raise the first of ``failures`` once all have ended.

    ``serve`` puts what it raises into ``failures`` and ends soon when it finds something there.
    """
    _Crew(lambda _crew: serve(), count - 1, failures).work(count - 1)


class _Crew:
    """Up to ``most`` threads that run ``serve`` beside the one that calls ``work``, which outlasts them all."""

    def __init__(self, serve: Callable[[_Crew], None], most: int, failures: list[BaseException]) -> None:
        self._serve, self._left, self._failures = serve, most, failures
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def enlarge(self, more: int) -> None:
        """Start ``more`` threads, as far as that many may be. For any thread of the crew."""
        for _ in range(more):
            with self._lock:
                if not self._left:
                    return
                self._left -= 1
            thread = threading.Thread(target=self._serve, args=(self,), name="jvs-io", daemon=True)
            thread.start()
            self._threads.append(thread)

    def work(self, others: int = 0) -> None:
        """Serve in this thread, and in as many ``others`` from the beginning; raise the first failure once all have ended."""
        try:
            self.enlarge(others)
            self._serve(self)
            self._join()
        except BaseException as failure:  # noqa: BLE001 - the calling thread raises it
            self._failures.append(failure)
            self._join()
        if self._failures:
            raise self._failures[0]

    def _join(self) -> None:
        # Who starts a thread lists it before it ends itself, so with the last of them gone nobody is left to start one.
        while self._threads:
            self._threads[0].join()
            del self._threads[0]


def ahead(tasks: Sequence[Callable[[], Result]]) -> Iterator[Callable[[], Result]]:
    """Yield for each of ``tasks`` a function that returns its result or raises its failure, one task ahead.

    While the caller works on one result, another thread prepares the next one, and no more than that.
    """
    from concurrent.futures import ThreadPoolExecutor, wait

    with ThreadPoolExecutor(1, "jvs-ahead") as pool:
        coming = deque(pool.submit(task) for task in tasks[:1])
        try:
            for following in [*tasks[1:], None][: len(tasks)]:
                here = coming.popleft()
                wait([here])
                if following is not None:
                    coming.append(pool.submit(following))
                yield here.result
        finally:
            for future in coming:
                future.cancel()
