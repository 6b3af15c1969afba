"""Turning the automatic history of a repository on and off, in its configuration, whose other lines stay as they are."""

from __future__ import annotations

import os
import stat

from jvs_core import files, regular
from jvs_core.control.lock import critical
from jvs_core.errors import InputError
from jvs_core.interrupts import uninterrupted
from jvs_core.operations.context import Context, read_config
from jvs_core.settings import TimelineConfig, parse_config

_SECTION, _KEY = "timeline", "enabled"


def switch(ctx: Context, on: bool) -> TimelineConfig:
    """Write ``[timeline] enabled`` into the configuration. See ``Timeline.switch``."""
    path = ctx.layout.config
    with uninterrupted(), ctx.critical():
        if read_config(path).timeline.enabled == on:
            return read_config(path).timeline
        if path.is_symlink():
            raise InputError(
                f"{path} is a link, which may serve other repositories, too",
                hint=f"write enabled = {str(on).lower()} below [timeline] in the file that it leads to",
            )
        try:
            before = regular.read_regular(path)
            mode: int | None = stat.S_IMODE(os.lstat(path).st_mode)
        except FileNotFoundError:
            before, mode = b"", ctx.layout.file_mode
        after = _with(before, on)
        config = parse_config(after, path)
        critical.require(ctx.layout.repository_lock)
        files.write_atomic(path, after, mode=mode)
        ctx.audit("config_set", target=f"{_SECTION}.{_KEY}", details={"value": on})
    return config.timeline


def _with(data: bytes, on: bool) -> bytes:
    import tomlkit  # only who switches pays for it

    document = tomlkit.parse(data.decode())
    if _SECTION not in document:
        document[_SECTION] = tomlkit.table()
    section = document[_SECTION]
    assert isinstance(section, dict)  # the configuration was read before
    section[_KEY] = on
    return tomlkit.dumps(document).encode()
