"""Turning the automatic history of a repository on and off, in its configuration, whose other lines stay as they are."""

from __future__ import annotations

from jvs_core.operations import configuration
from jvs_core.operations.context import Context, read_config
from jvs_core.settings import TimelineConfig


def switch(ctx: Context, on: bool) -> TimelineConfig:
    """Write ``[timeline] enabled`` into the configuration. See ``Timeline.switch``."""
    config = read_config(ctx.layout.config).timeline
    return config if config.enabled == on else configuration.store(ctx, "timeline.enabled", on).timeline
