"""The shell blocks of the guides do what the guides say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDES = ROOT / "docs" / "guides"


@pytest.mark.parametrize("name", ["operations"])
def test_the_blocks_of_a_guide_run_one_after_the_other(name: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", (GUIDES / f"{name}.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    (tmp_path / "work").mkdir()
    (tmp_path / "jvs").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jvs_core.cli "$@"\n')
    (tmp_path / "jvs").chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path / "work",
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for said in ("Repository is healthy.", "TAMPERED  E_PAYLOAD_HASH_MISMATCH", "W_LEFTOVER", "damaged-"):
        assert said in done.stdout
