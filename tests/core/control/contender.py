"""A process that contends for a worktree's lock: reads commands, one a line, and answers each with a line of JSON.

``once`` tries to take the lock and answers with the token, or with the error's code. ``often N`` takes it N times
and answers with ``[token, from, to]`` for each time it was held, in nanoseconds of the machine's monotonic clock.
``hold`` takes it for a second; ``try`` then answers with what check, renewal and release say.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from jvs_core.control.layout import Layout
from jvs_core.control.lock import lock
from jvs_core.control.lock.lease import Lease
from jvs_core.errors import JvsError, LockConflict
from tests.core.control.support import STRICT, caller, take


def main() -> None:
    """Serve until the input ends."""
    layout = Layout(Path(sys.argv[1]))
    who = caller(Path("/nonexistent"), user=sys.argv[2])
    held: list[Lease] = []
    _answer("ready")
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "once":
            try:
                _answer(take(layout, who).token)
            except JvsError as error:
                _answer(error.code)
        elif command == "often":
            _answer([_hold_briefly(layout, sys.argv[2]) for _ in range(int(rest[0]))])
        elif command == "hold":
            held.append(take(layout, who, config=STRICT, lease_ms=1000))
            _answer(held[-1].token)
        elif command == "try":
            _answer([_code(call, layout, held[-1]) for call in (lock.check, lock.renew, lock.release)])


def _hold_briefly(layout: Layout, user: str) -> tuple[int, int, int]:
    who = caller(Path("/nonexistent"), user=user)
    while True:
        try:
            lease = take(layout, who)
            break
        except LockConflict:
            time.sleep(0.001)
    began = time.monotonic_ns()
    lock.renew(layout, lease)
    lock.check(layout, lease)
    ended = time.monotonic_ns()
    lock.release(layout, lease)
    return lease.token, began, ended


def _code(call: Any, layout: Layout, lease: Lease) -> str | None:
    try:
        call(layout, lease)
    except JvsError as error:
        return error.code
    return None


def _answer(value: Any) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
