"""What a repository says of itself: which format it has, and its identity."""

from __future__ import annotations

import uuid
from pathlib import Path

from jvs_core import regular
from jvs_core.control.layout import Layout
from jvs_core.control.names import inside
from jvs_core.errors import DescriptorCorrupt, FormatUnsupported
from jvs_core.model import FORMAT_VERSION

_SHORT = 4096


def check_format(layout: Layout) -> None:
    """Raise FormatUnsupported unless this version of JVS can work on the repository; PathEscape for a link."""
    path = inside(layout.root, layout.control / "format_version")
    try:
        found = regular.read_regular(path, most=_SHORT).strip()
    except FileNotFoundError:
        found = b""
    except DescriptorCorrupt:
        found = b"damaged"
    if found == str(FORMAT_VERSION).encode():
        return
    shown = found[:40].decode("utf-8", "replace") or "missing"
    if found == b"1":
        hint = (
            f"JVS 0.1.0 or JVS in Go made it: jvs import {layout.root} NAME makes a repository of it that this version "
            f"reads, with the whole history; {layout.root} stays as it is"
        )
    elif found.isdigit():
        hint = "install the version of JVS that wrote it"
    else:
        hint = f"restore {path} from a backup"
    raise FormatUnsupported(
        f"repository format {shown} at {layout.root}; this version reads format {FORMAT_VERSION}", hint=hint
    )


def place(layout: Layout) -> Path:
    """Return the file that holds the repository's identity. It is written once."""
    return layout.control / "repo_id"


def repo_id(layout: Layout) -> str:
    """Return the repository's identity. Raises DescriptorCorrupt when it is missing or not a UUID."""
    path = place(layout)
    try:
        return str(uuid.UUID(regular.read_regular(path, most=_SHORT).decode("ascii").strip()))
    except (FileNotFoundError, ValueError, DescriptorCorrupt) as error:
        raise DescriptorCorrupt(f"{path} is missing or damaged", hint="restore it from a backup") from error
