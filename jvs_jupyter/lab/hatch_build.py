"""Putting the JupyterLab extension into what is built, and building it first where Node.js is there.

``make lab`` builds it beforehand, and a source distribution carries it built, so that installing needs no Node.js. From a
checkout it is built in a temporary folder, which leaves the checkout as it is. Without it everything but the panel works:
the package then says why it is missing, and the server extension repeats that when JupyterLab starts. A panel that
``make build`` built comes with its bill of materials, which the wheel carries in ``.dist-info/sboms``.

``JVS_PANEL=build`` in the environment makes a missing panel an error, ``JVS_PANEL=skip`` leaves it out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = "jvs_jupyter/lab"
ASSETS = "jvs_jupyter/labextension"
INSTALLED = "share/jupyter/labextensions/jvs-snapshots"
LICENSES = f"{ASSETS}/static/third-party-licenses.json"
BILL = "jvs_jupyter/sboms/jvs-panel.cdx.json"
WHY_NOT = "jvs_jupyter/server/panel_missing.txt"
BUILDER = "jupyter-builder>=1.2"
OLDEST_NODE = 20
_NPM_CI = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
_NOT_COPIED = shutil.ignore_patterns("node_modules", "lib", "*.tsbuildinfo")
_LONGEST_REASON = 500


class NotBuiltError(Exception):
    """The panel cannot be built; the message says why."""


class LabAssets(BuildHookInterface[Any]):
    """Adds the assets to what is built. An editable installation has them only when they are built already."""

    PLUGIN_NAME = "custom"
    _scratch: tempfile.TemporaryDirectory[str] | None = None

    def dependencies(self) -> list[str]:
        """Return what building the panel needs, where it is to be built and can be."""
        if self._built() or _wish() == "skip" or _why_no_node():
            return []
        return [BUILDER]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Declare the assets, or the reason why they are not there."""
        if self._built():
            if self.target_name == "wheel":
                build_data["shared_data"][ASSETS] = INSTALLED
                if version != "editable" and self._bill_fits():
                    build_data["sbom_files"].append(BILL)
            else:
                build_data["artifacts"] += [f"/{ASSETS}/**", f"/{BILL}"]
            return
        if version == "editable":
            return
        self._scratch = tempfile.TemporaryDirectory(prefix="jvs-panel-")
        try:
            assets = _build(Path(self.root), Path(self._scratch.name))
        except NotBuiltError as error:
            if _wish() == "build":
                raise SystemExit(f"the JupyterLab panel is not built: {error}") from error
            self.app.display_warning(f"The JupyterLab panel is left out: {error}")
            if self.target_name == "wheel":
                reason = Path(self._scratch.name, "reason.txt")
                reason.write_text(f"{error}\n", encoding="utf-8")
                build_data["force_include"][str(reason)] = WHY_NOT
            return
        if self.target_name == "wheel":
            build_data["shared_data"][str(assets)] = INSTALLED
        else:
            build_data["force_include"][str(assets)] = ASSETS

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        if self._scratch is not None:
            self._scratch.cleanup()

    def _built(self) -> bool:
        return (Path(self.root) / ASSETS / "package.json").is_file()

    def _bill_fits(self) -> bool:
        """Say whether there is a bill of materials, of the very panel that is there."""
        bill, listing = Path(self.root) / BILL, Path(self.root) / LICENSES
        if not bill.is_file() or not listing.is_file():
            return False
        billed = {
            ("/".join(filter(None, (each.get("group"), each["name"]))), each["version"])
            for each in json.loads(bill.read_text(encoding="utf-8"))["components"]
        }
        bundled = json.loads(listing.read_text(encoding="utf-8"))["packages"]
        return billed == {(each["name"], each["versionInfo"]) for each in bundled}


def _wish() -> str:
    return os.environ.get("JVS_PANEL", "")


def _why_no_node() -> str | None:
    """Return why this machine's Node.js cannot build the panel, or None where it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js and npm were not there when the package was built"
    try:
        said = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return f"Node.js did not run when the package was built: {error}"
    found = re.match(r"v(\d+)\.", said)
    if found is None or int(found[1]) < OLDEST_NODE:
        return f"Node.js was {said} when the package was built, and {OLDEST_NODE} or later is needed"
    return None


def _build(root: Path, scratch: Path) -> Path:
    """Build the panel in a copy below ``scratch`` and return the folder of its assets. Raises NotBuiltError."""
    if _wish() == "skip":
        raise NotBuiltError("JVS_PANEL=skip was set when the package was built")
    if why_not := _why_no_node():
        raise NotBuiltError(why_not)
    folder = scratch / SOURCES
    shutil.copytree(root / SOURCES, folder, ignore=_NOT_COPIED)
    for command in (_NPM_CI, ("npm", "run", "--silent", "build")):
        try:
            ended = subprocess.run(
                command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
        except OSError as error:
            raise NotBuiltError(f"{command[0]} did not run when the package was built: {error}") from error
        if ended.returncode:
            said = " ".join(ended.stdout.split())[-_LONGEST_REASON:]
            raise NotBuiltError(f"'{' '.join(command[:2])}' failed when the package was built: {said}")
    assets = scratch / ASSETS
    if not (assets / "package.json").is_file():
        raise NotBuiltError("'npm run' left no panel when the package was built")
    return assets
