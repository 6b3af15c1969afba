"""Workspaces that other tools run things in."""

from __future__ import annotations

from tests.jupyter.papermill.conftest import jupyter_home, jvs, papermill, workspace

__all__ = ["jupyter_home", "jvs", "papermill", "workspace"]
