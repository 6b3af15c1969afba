"""Small files of a repository that an older JVS wrote: what is in them is input, like a request from a network."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, TypeVar

from jvs_core import regular
from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.model import Record

_LONGEST = 1 << 20
_DEEPEST = 50
R = TypeVar("R", bound=Record)


def read_small(path: Path) -> bytes:
    """Return the bytes of a small file of the repository. Raises DescriptorCorrupt for a link, or what is no such file."""
    try:
        for above in (path.parent, path.parent.parent):
            if not stat.S_ISDIR(os.lstat(above).st_mode):
                raise DescriptorCorrupt(f"{above} is not a folder")
        return regular.read_regular(path, most=_LONGEST)
    except FileNotFoundError as error:
        raise DescriptorCorrupt(f"{path.name} is missing") from error


def parsed(model: type[R], data: bytes, what: str) -> R:
    """Return the record that ``data`` holds. Raises DescriptorCorrupt, also where a field stands twice or too deep."""
    try:
        said = json.loads(data, object_pairs_hook=_unique)
        if _depth(said) > _DEEPEST:
            raise ValueError("it is nested too deeply")
        return model.parse(json.dumps(said).encode(), what)
    except (ValueError, RecursionError) as error:
        raise DescriptorCorrupt(f"{what} is damaged: {str(error)[:200]}") from error


def told(error: JvsError | OSError) -> str:
    """Return what went wrong with a file, in words."""
    return error.message if isinstance(error, JvsError) else os.strerror(error.errno or 0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field appears twice")
    return found


def _depth(value: Any, level: int = 0) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(each, level + 1) for each in inner), default=level) if level <= _DEEPEST else level
