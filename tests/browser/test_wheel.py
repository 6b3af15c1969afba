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
@pytest.mark.parametrize("libraries", ["shared", pytest.param("its own", marks=pytest.mark.further)])
def test_the_wheel_alone_brings_the_panel_and_the_server_extension(
    tmp_path: Path, page: Page, libraries: str
) -> None:
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(SOURCE),
    ]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    install = install_beside_these if libraries == "shared" else install_alone
    python, lab = install(wheel, tmp_path / "env")
    where = [python, "-c", "import jvs_core, jvs_jupyter; print(jvs_core.__file__, jvs_jupyter.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert [path for path in found if not path.startswith(str(tmp_path / "env"))] == []
    state, cache = str(tmp_path / "state"), str(tmp_path / "cache")
    with jupyter_server(
        tmp_path, python=python, JVS_STATE_DIR=state, JVS_CACHE_DIR=cache, JUPYTERLAB_DIR=lab
    ) as server:
        subprocess.run([python, "-m", "jvs_core.cli", "init", "ws"], cwd=server.root, check=True)
        page.goto(server.address("lab/tree/ws/main"))
        page.locator("#jp-main-statusbar").wait_for(timeout=60_000)
        panel = Panel(page)
        panel.open()
        expect(panel.node).to_contain_text("No snapshot yet", timeout=PATIENCE_MS)
        panel.take("from the wheel")


def install_alone(wheel: Path, folder: Path) -> tuple[str, str]:
    """Install the wheel with all that it names, and JupyterLab, into an environment that shares nothing."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, f"{wheel}[jupyter]", "jupyterlab"], check=True)
    return python, str(folder / "share" / "jupyter" / "lab")


def install_beside_these(wheel: Path, folder: Path) -> tuple[str, str]:
    """Install the wheel alone into an environment that has the libraries of this one, but not its own JVS."""
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(shared) + "\n")
    return python, str(Path(sys.prefix) / "share" / "jupyter" / "lab")
