"""Putting the built JupyterLab extension into the wheel.

``make lab`` builds it; a source distribution carries it built, so that installing needs no Node.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = "jvs_jupyter/labextension"
INSTALLED = "share/jupyter/labextensions/jvs-snapshots"


class LabAssets(BuildHookInterface[Any]):
    """Adds the assets to what is built. A wheel or source distribution without them is refused."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Declare the assets; an editable installation goes without when they are not built."""
        if (Path(self.root) / ASSETS / "package.json").is_file():
            if self.target_name == "wheel":
                build_data["shared_data"][ASSETS] = INSTALLED
            else:
                build_data["artifacts"].append(f"/{ASSETS}/**")
        elif version != "editable":
            raise SystemExit(f"{ASSETS} is not built: run 'make lab' first (needs Node.js and npm)")
