"""Workspaces whose runs are exported."""

from __future__ import annotations

from tests.jupyter.papermill.conftest import jupyter_home, jvs, papermill, workspace

__all__ = ["jupyter_home", "jvs", "papermill", "workspace"]
