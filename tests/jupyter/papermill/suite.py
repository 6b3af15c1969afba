"""papermill's own tests, as its release ships them, with papermill's engine and with this one.

``python -m tests.jupyter.papermill.suite`` runs all that need no cloud, three times: with papermill's engine, with
``jvs`` outside any repository and inside one, and fails unless all three end the same way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from jvs_core import Repository
from tests.support.source import PYTHONPATH

ENGINE = ("test_engines", "test_autosave", "test_execute")
ALL = (
    *ENGINE,
    "test_cli",
    "test_clientwrap",
    "test_conf",
    "test_exceptions",
    "test_inspect",
    "test_iorw",
    "test_parameterize",
    "test_translators",
    "test_utils",
)


def results(
    folder: Path, report: Path, modules: tuple[str, ...], *, jvs: bool, only: str = ""
) -> dict[str, str]:
    """Run the modules in ``folder``, ``only`` some of their tests, and return how each test ended."""
    plugin = ["-p", "tests.jupyter.papermill.as_default"] if jvs else []
    plugin += ["-k", only] if only else []
    names = [f"papermill.tests.{module}" for module in modules]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *plugin,
            f"--junitxml={report}",
            "--pyargs",
            *names,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    return dict(_ended(case) for case in ET.parse(report).iter("testcase"))


def inside(folder: Path) -> Repository:
    """Make the repository that the tests run in."""
    return Repository.init(folder / "repo", engine="copy")


def _ended(case: ET.Element) -> tuple[str, str]:
    name = f"{case.get('classname')}.{case.get('name')}"
    for how in ("failure", "error", "skipped"):
        if case.find(how) is not None:
            return name, how
    return name, "passed"


def main() -> int:
    """Compare the three runs and print what differs."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ.update(JVS_STATE_DIR=str(folder / "state"), JVS_CACHE_DIR=str(folder / "cache"))
        outside = folder / "outside"
        outside.mkdir()
        repository = inside(folder)
        expected = results(outside, folder / "papermill.xml", ALL, jvs=False)
        found = {
            "outside a repository": results(outside, folder / "outside.xml", ALL, jvs=True),
            "inside a repository": results(repository.root / "main", folder / "inside.xml", ALL, jvs=True),
        }
        recorded = len(repository.runs.all())
    differing = {
        f"{place}: {name}: {expected.get(name)} with papermill's engine, {ended.get(name)} with jvs"
        for place, ended in found.items()
        for name in {*expected, *ended}
        if expected.get(name) != ended.get(name)
    }
    counts = {how: list(expected.values()).count(how) for how in sorted(set(expected.values()))}
    sys.stdout.write(f"{len(expected)} tests {counts}; {recorded} runs recorded\n")
    sys.stdout.writelines(f"{line}\n" for line in sorted(differing))
    return 1 if differing or not recorded else 0


if __name__ == "__main__":
    sys.exit(main())
