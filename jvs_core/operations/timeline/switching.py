"""Turning the automatic history of a repository on and off, in its ``config.toml``; what else stands there stays."""

from __future__ import annotations

import re

from jvs_core import files, regular
from jvs_core.operations.context import Context, read_config
from jvs_core.settings import parse_config

_LONGEST = 1 << 20
_SECTION = re.compile(r"^[ \t]*\[[ \t]*timeline[ \t]*\][ \t]*(?:#.*)?$", re.MULTILINE)
_NEXT = re.compile(r"^[ \t]*\[", re.MULTILINE)
_ENABLED = re.compile(r"^([ \t]*enabled[ \t]*=[ \t]*)(?:true|false)", re.MULTILINE)


def switch(ctx: Context, on: bool) -> None:
    """Write whether there is an automatic history, unless it says so already. Raises InputError where it is damaged."""
    with ctx.critical():
        if read_config(ctx.layout.config).timeline.enabled == on:
            return
        try:
            text = regular.read_regular(ctx.layout.config, most=_LONGEST, follow=True).decode()
        except FileNotFoundError:
            text = ""
        written = _switched(text, "true" if on else "false")
        parse_config(written.encode(), ctx.layout.config)
        files.write_atomic(ctx.layout.config, written.encode(), mode=ctx.layout.file_mode)


def _switched(text: str, value: str) -> str:
    """Return the configuration with another ``enabled``, which is added where there is none."""
    section = _SECTION.search(text)
    if section is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[timeline]\nenabled = {value}\n"
    after = _NEXT.search(text, section.end())
    end = len(text) if after is None else after.start()
    found = _ENABLED.search(text, section.end(), end)
    if found is None:
        return f"{text[: section.end()]}\nenabled = {value}{text[section.end() :]}"
    return f"{text[: found.start()]}{found[1]}{value}{text[found.end() :]}"
