from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

LAB = Path(__file__).parents[3] / "jvs_jupyter" / "lab"


@pytest.mark.timeout(600)
def test_the_front_end_s_own_tests_pass() -> None:
    if shutil.which("node") is None or not (LAB / "node_modules" / "vitest").is_dir():
        reason = "the front end's packages are not installed: make lab"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    done = subprocess.run(
        [shutil.which("npm") or "npm", "test", "--silent"],
        check=False,
        cwd=LAB,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
