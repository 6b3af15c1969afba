"""Renewing a lease beside the work that it is held for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jvs_core import clock
from jvs_core.control.lock.lease import Lease
from jvs_core.errors import JvsError


@contextmanager
def renewing(lease: Lease, renew: Callable[[Lease], Lease]) -> Iterator[Callable[[], None]]:
    """Renew a lease in a daemon thread during the block; yield what ends the renewing, for callers that must end it earlier."""
    ended = threading.Event()
    thread = threading.Thread(target=_keep, args=(renew, lease, ended), name="jvs-lease", daemon=True)

    def stop() -> None:
        ended.set()
        thread.join()

    thread.start()
    try:
        yield stop
    finally:
        stop()


def _keep(renew: Callable[[Lease], Lease], lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(_until_renewal_s(lease)):
        try:
            lease = renew(lease)
        except OSError:
            if lease.has_run_out():  # a mount that hangs may come back in time; the lease itself is the limit
                return
        except JvsError:
            return


def _until_renewal_s(lease: Lease) -> float:
    """Return how long a lease may wait for its renewal: its interval, less where its end is near."""
    left_ms = lease.deadline_boot_ms - clock.boot_ms()
    return max(min(lease.record.renew_interval_ms, left_ms // 3), 0) / 1000
