"""The page for admins and the metrics, as a service of the hub."""

from __future__ import annotations

from jvs_jupyter.hub.service.application import application, serve

__all__ = ["application", "serve"]
