from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.panel import PATIENCE_MS, Panel
from tests.browser.server import jupyter_server

SOURCE = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_alone_brings_the_panel_and_the_server_extension(tmp_path: Path, page: Page) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(SOURCE)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = str(tmp_path / "env" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, f"{wheel}[jupyter]", "jupyterlab"], check=True)
    state, cache = str(tmp_path / "state"), str(tmp_path / "cache")
    with jupyter_server(tmp_path, python=python, JVS_STATE_DIR=state, JVS_CACHE_DIR=cache) as server:
        subprocess.run([python, "-m", "jvs_core.cli", "init", "ws"], cwd=server.root, check=True)
        page.goto(server.address("lab/tree/ws/main"))
        page.locator("#jp-main-statusbar").wait_for(timeout=60_000)
        panel = Panel(page)
        panel.open()
        expect(panel.node).to_contain_text("No snapshot yet", timeout=PATIENCE_MS)
        panel.take("from the wheel")
