"""A user whose work does not end takes one thread and no more, however often it is asked for again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jvs_jupyter.hub.turns import Turns


def test_who_does_not_end_is_waited_for_by_nobody_else() -> None:
    asyncio.run(_hostile_and_others())


async def _hostile_and_others() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    turns, end = Turns(), threading.Event()
    begun: list[None] = []

    def endless() -> str:
        begun.append(None)
        end.wait(60)
        return "ended"

    try:
        for _ in range(100):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await turns.call("mal", endless)
        assert len(begun) == 1
        assert await turns.call("ann", lambda: "at once") == "at once"
        assert await asyncio.to_thread(lambda: "the hub's own") == "the hub's own"
    finally:
        end.set()
    assert await turns.call("mal", endless) == "ended"
    assert len(begun) == 2


def test_an_error_is_the_callers_and_the_next_call_is_not_stopped() -> None:
    async def two() -> str:
        turns = Turns()
        with pytest.raises(ZeroDivisionError):
            await turns.call("ann", lambda: 1 / 0)
        return await turns.call("ann", lambda: "goes on")

    assert asyncio.run(two()) == "goes on"
