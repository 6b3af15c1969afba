"""The configuration of a repository that is put together, taken from that of its source."""

from __future__ import annotations

import re

from jvs_core import regular
from jvs_core.control.layout import Layout
from jvs_core.errors import EngineUnavailable
from jvs_core.operations.moving import site
from jvs_core.payload.engines import select
from jvs_core.settings import RepositoryConfig, parse_config

_MOST = 1 << 20
_ENGINE = re.compile(rb"^engine\s*=.*$", re.MULTILINE)


def of(source: Layout) -> tuple[RepositoryConfig, bytes]:
    """Return the configuration of a repository, and the file's bytes; of one without a file the usual one. Raises InputError."""
    try:
        data = regular.read_regular(source.config, most=_MOST, follow=True)
    except FileNotFoundError:
        data = b""
    return parse_config(data, source.config), data


def take_over(
    layout: Layout, repo_id: str, data: bytes, config: RepositoryConfig, lines: list[str]
) -> RepositoryConfig:
    """Write identity and configuration; an engine that cannot work here is not asked for any more, and named."""
    if config.engine is not None:
        try:
            select.choose(config.engine, layout.control)
        except EngineUnavailable as error:
            lines.append(f"{error.message}; the new repository uses the best engine that works there")
            data = _ENGINE.sub(rb"# \g<0>", data, count=1)
            config = parse_config(data, layout.config)
    site.describe(layout, repo_id, data)
    return config
