"""The command as a process of root's or of another user's, each with a home of its own."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.users import SOMEBODY

SOURCE = Path(__file__).parents[2]
Ran = subprocess.CompletedProcess[str]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")


@dataclass(frozen=True)
class Others:
    """Runs the command with a Python that every user can run, in ``place``."""

    place: Path
    python: str

    def start(self, *args: str, uid: int, cwd: Path, **how: Any) -> subprocess.Popen[bytes]:
        """Start the command as a process of the user; it reads nothing and its output is captured unless ``how`` says."""
        home = self.place / f"home-{uid}"
        home.mkdir(mode=0o700, exist_ok=True)
        os.chown(home, uid, uid)
        packages = [path for path in sys.path if path.endswith("site-packages")]
        rights: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(SOURCE), *packages]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JVS_OWNERS_DIR": str(self.place / "owners"),
            "HOME": str(home),
        }
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [self.python, "-P", "-m", "jvs_core.cli", *args], cwd=cwd, env=env, **{**streams, **rights, **how}
        )

    def __call__(self, *args: str, uid: int, cwd: Path) -> Ran:
        """Run the command and return how it ended and what it printed."""
        with self.start(*args, uid=uid, cwd=cwd, text=True) as child:
            out, err = child.communicate(timeout=120)
        return subprocess.CompletedProcess(args, child.returncode, str(out), str(err))


@functools.cache
def python_for_others() -> str:
    """Return a Python that others can run JVS with; skip where there is none."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for python in (sys.executable, f"/usr/bin/{version}"):
            with suppress(OSError):
                if (
                    Others(Path(folder), python)("demo", "--help", uid=SOMEBODY, cwd=Path("/")).returncode
                    == 0
                ):
                    return python
    pytest.skip("no Python here is one that other users can run")


def done(ran: Ran) -> Ran:
    """Return a command that has ended well."""
    assert ran.returncode == 0, ran.stderr
    return ran
