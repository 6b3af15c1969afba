"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path


def described() -> str:
    """Return processors, memory and kernel, without the machine's name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} processors, {memory / (1 << 30):.0f} GiB of memory, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def now() -> str:
    """Return date and load, which belong to every figure."""
    return f"{time.strftime('%Y-%m-%d %H:%M')}, load {load():.1f}"


def load() -> float:
    """Return how many processes ran or waited for a processor, on the mean of the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
