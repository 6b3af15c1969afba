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

    ``opened`` is entered once in each of up to ``count`` threads, this one included. The last item that came is taken
    first. Failures and interrupts as for ``each``.
    """
    waiting = [first]
    failures: list[BaseException] = []
    unfinished = 1
    wake = threading.Condition()

    def take() -> tuple[Item] | None:
        with wake:
            while not waiting and unfinished and not failures:
                wake.wait(0.5)
            return (waiting.pop(),) if waiting and not failures else None

    def serve() -> None:
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
        except BaseException as failure:  # noqa: BLE001 - the calling thread raises it
            with wake:
                failures.append(failure)
                wake.notify_all()

    together(serve, count, failures)


def together(serve: Callable[[], None], count: int, failures: list[BaseException]) -> None:
    """Run ``serve`` in ``count`` threads, this one included; raise the first of ``failures`` once all have ended.

    ``serve`` puts what it raises into ``failures`` and ends soon when it finds something there.
    """
    others = [threading.Thread(target=serve, name="jvs-io", daemon=True) for _ in range(count - 1)]
    try:
        for thread in others:
            thread.start()
        serve()
        for thread in others:
            thread.join()
    except BaseException as failure:  # noqa: BLE001 - the calling thread raises it
        failures.append(failure)
        for thread in others:
            if thread.ident is not None:
                thread.join()
    if failures:
        raise failures[0]


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
