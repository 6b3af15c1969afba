"""Which process of which machine a record speaks of."""

from __future__ import annotations

from typing import Annotated

from jvs_core.model.forms import Count, Holder
from jvs_core.model.record import Record
from jvs_core.validated import Field


class Process(Record):
    """Which process a record speaks of.

    The host's name is for people only: two machines may have the same. ``process_start`` is the kernel's start time of the process, in clock ticks since boot, against reused ids;
    ``pid_namespace`` the namespace that the id counts in. Either is None where the system does not tell it.
    """

    host: Holder
    machine_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    boot_id: Annotated[str, Field(max_length=100)]
    pid_namespace: Count | None = None
    pid: int
    process_start: Count | None = None
