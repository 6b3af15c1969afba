"""Workspaces for runs of commands."""

from __future__ import annotations

from tests.jupyter.papermill.conftest import jvs, workspace

__all__ = ["jvs", "workspace"]
