"""A process that compares two files of one name under limits of memory and processor time: ``NAME OLD NEW``.

It prints what came out, and how much memory it took, as JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from jvs_core.differences.inside import difference
from jvs_core.differences.model import Side
from jvs_core.differences.version import Version

MEMORY = 2_500_000_000
SECONDS = 40
ROOT = Path(__file__).parents[2]


def limited(name: str, old: Path, new: Path) -> dict[str, Any]:
    """Return what the process found; that it ended at all shows that it kept to its limits."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.differences.limited", name, str(old), str(new)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def version(path: Path, digest: str) -> Version:
    """Return the version that a file is, without reading it."""
    side = Side(type="file", size=path.stat().st_size, mode="0644", sha256=digest)
    return Version(side, lambda: path.open("rb"))


def most_memory() -> int:
    """Return the most memory that this process had, in bytes; that of its parent, before it was its own, left out."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(name: str, old: str, new: str) -> None:
    """Compare, and print."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    found = difference(name, version(Path(old), "old"), version(Path(new), "new"), change="modified")
    shown = {
        "kind": found.detail.kind if found.detail else None,
        "words": found.words,
        "stopped": found.stopped,
        "length": len(json.dumps(found.to_json())),
        "seconds": resource.getrusage(resource.RUSAGE_SELF).ru_utime,
        "memory": most_memory(),
    }
    sys.stdout.write(json.dumps(shown))


if __name__ == "__main__":
    main(*sys.argv[1:])
