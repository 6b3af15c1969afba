"""All tools that an agent may be offered."""

from __future__ import annotations

from typing import Any

from jvs_jupyter.agents import changing, reading, replacing
from jvs_jupyter.agents.tool import Tool

SAFE: tuple[Tool[Any], ...] = (*reading.TOOLS, *changing.TOOLS)
IN_PLACE: tuple[Tool[Any], ...] = replacing.TOOLS
