"""The reference pages of the Python interface and of the configuration, from the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

import jvs_core
from jvs_core.settings import ExcludeConfig, LeaseConfig, RepositoryConfig, RetentionPolicy, TimelineConfig

_REGISTERS = (
    "locks",
    "worktrees",
    "refs",
    "pins",
    "gc",
    "audit",
    "runs",
    "cells",
    "config",
    "timeline",
    "index",
)
_PYTHON = """\
`from jvs_core import Repository` is the door to everything; the names on this page are the public interface, and all else
may change without notice. The package is typed. Every method raises subclasses of `JvsError` only; each has `code`,
`exit_status`, `message` and `hint` ([errors](errors.md)). What is returned has attributes and `to_json()`, which gives what
the command prints with `--json`.

```python
from jvs_core import Repository

repo = Repository.open(".")
with repo.hold(purpose="training"):
    taken = repo.snapshot("before training", tags=["baseline"])
    repo.restore_inplace(taken.snapshot_id, reason="it went wrong")
```"""
_CONFIGURATION = """\
Nothing has to be configured. What can be is in the environment, for a process, and in `.jvs/config.toml`, for a
repository. `jvs config show` lists the settings of a repository and where each comes from; `jvs config set KEY VALUE`
changes one and leaves comments and all else as they are. Settings of the Jupyter server are in [its guide](../guides/jupyterlab.md#settings), those of notebooks in
[magics](magics.md#options).

## Environment

| variable | default | meaning |
|---|---|---|
| `JVS_SESSION` | `default` | separates lock holders that share a user: letters, digits, `. _ - : @` |
| `JVS_SNAPSHOT_ENGINE` | the best that works | the engine of this process: `juicefs-clone`, `btrfs-snapshot`, `reflink-copy`, `copy` |
| `JVS_STATE_DIR` | the user's state folder (`~/.local/state/jvs`) | secrets of held locks; keep it private |
| `JVS_CACHE_DIR` | the user's cache folder (`~/.cache/jvs`) | what makes snapshots quick; may be deleted at any time |
| `JVS_CONFIG_DIR` | the user's configuration folder (`~/.config/jvs`) | whose repositories are trusted (`jvs trust`) |
| `JVS_OWNERS_DIR` | `/var/lib/jvs/as` | root only: a folder of state for each user in whose repositories root's `jvs` works |
| `JVS_TIMELINE` | | what `[timeline]` of every repository is to say instead of what it says, as JSON: `{"every_s": 600}`; JupyterHub sets it from `jvs_timeline` |
| `JVS_WITHOUT_LOCK` | | set by JupyterHub for a server that had to start without its lock: why, as JSON with `code`, `message` and `hint` |
| `JVS_PAGER`, else `PAGER` | `less` | through it go `jvs compare --stat` and `--patch` on a terminal; `cat` or nothing: no pager. As in git, `LESS=FRX` unless `LESS` is set |
| `NO_COLOR` | | no colour in the command's output |

## `.jvs/config.toml`

An unknown key or a value of the wrong kind is an error that names it, never ignored."""


def python_page() -> Iterator[str]:
    """Yield the lines of the page of the public names."""
    yield from ("# The Python interface", "", _PYTHON, "", "## Repository", "")
    yield from _described(jvs_core.Repository)
    yield from _methods(jvs_core.Repository, "repo")
    homes = inspect.getclosurevars(jvs_core.Repository.__init__).globals
    for name in _REGISTERS:
        register = homes[name.capitalize()]
        yield from (f"## `repo.{name}`", "")
        yield from _described(register)
        yield from _methods(register, f"repo.{name}")
    yield from ("## Other names", "")
    for name in sorted(set(jvs_core.__all__) - {"Repository", "__version__"}):
        yield from (f"### `{name}`", "")
        named = getattr(jvs_core, name)
        if inspect.isfunction(named):
            yield from ("```python", _signature(named, name, bound=False), "```", "")
        yield from _described(named)
        yield from _fields(named)


def configuration_page() -> Iterator[str]:
    """Yield the lines of the page of settings."""
    yield from ("# Configuration", "", _CONFIGURATION, "")
    yield from ("| key | default | meaning |", "|---|---|---|")
    meanings = {
        "engine": "the engine of this repository, as `jvs init --engine` sets it",
        "shared": "a group works in it, as `jvs init --shared` sets it",
    }
    for name, field in RepositoryConfig.model_fields.items():
        if name in meanings:
            yield f"| `{name}` | {_default(field.default)} | {meanings.pop(name)} |"
    lease = {
        "duration_ms": "how long a lock lasts that is not renewed",
        "renew_interval_ms": "how often a program that holds one renews it",
        "max_clock_skew_ms": "how far clocks of hosts may be apart",
        "steal_grace_ms": "how long after its end a lock is left alone",
    }
    for name, field in LeaseConfig.model_fields.items():
        yield f"| `lease.{name}` | {_default(field.default)} | {lease.pop(name)} |"
    exclude = {
        "patterns": "what no snapshot keeps, in the syntax of `.gitignore`, as `jvs init --exclude` sets it",
        "caches": "known caches too, as `jvs init --exclude-caches` sets it",
    }
    for name in ExcludeConfig.model_fields:
        shown = "`[]`" if name == "patterns" else "`false`"
        yield f"| `exclude.{name}` | {shown} | {exclude.pop(name)} |"
    timeline = {
        "enabled": "automatic snapshots of worktrees that a Jupyter server opens, and by `jvs timeline run`",
        "after_save_s": "how long after the last change a snapshot is taken",
        "every_s": "how long lies at least between two, and at most between a change and its snapshot",
        "keep": "how many stay: of those younger than an age one in each period; `rest`: of all older ones",
        "deleted_days": "how long the last version of a file stays that was deleted or overwritten",
        "space_percent": "how much of the file system they may take; then the oldest go first",
    }
    for name, field in TimelineConfig.model_fields.items():
        yield f"| `timeline.{name}` | {_default(field.default)} | {timeline.pop(name)} |"
    for name in RetentionPolicy.model_fields:
        yield f"| `retention.NAME.{name}` | | as `jvs gc plan --{name.replace('_', '-')}` |"
    yield from ("", "A policy is used by name, `jvs gc plan --policy weekly`:", "")
    yield from (
        "```toml",
        "[retention.weekly]",
        "keep_last = 10",
        "keep_weekly = 52",
        'keep_tag = ["baseline"]',
    )
    yield "```"


def _methods(owner: Any, prefix: str) -> Iterator[str]:
    for name, member in vars(owner).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield from (f"### `{prefix}.{name}`", "")
            yield from _described(member)
        elif callable(member) or isinstance(member, classmethod | staticmethod):
            function = inspect.unwrap(getattr(owner, name))
            static = isinstance(member, classmethod | staticmethod)
            yield from (f"### `{'Repository' if static else prefix}.{name}`", "")
            yield from ("```python", _signature(function, name, bound=inspect.ismethod(function)), "```", "")
            yield from _described(function)


def _signature(function: Any, name: str, *, bound: bool) -> str:
    found = inspect.signature(function)
    kept = [given for key, given in found.parameters.items() if key not in ("self", "cls") or bound]
    parts, keyword_only = [], False
    for given in kept:
        if given.kind is given.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        default = "" if given.default is given.empty else f" = {_plain(given.default)}"
        parts.append(f"{given.name}: {_type(given.annotation)}{default}")
    line = f"{name}({', '.join(parts)}) -> {_type(found.return_annotation)}"
    if len(line) <= 100:
        return line
    return (
        f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f") -> {_type(found.return_annotation)}"
    )


def _plain(value: Any) -> str:
    return "SILENT" if type(value).__name__ == "Silent" else repr(value)


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)


def _described(named: Any) -> Iterator[str]:
    """Yield a docstring; its section ``Raises`` becomes a list."""
    text = inspect.cleandoc(named.__doc__ or "").replace("``", "`")
    body, _, raises = text.partition("\nRaises\n------\n")
    yield from (*body.rstrip().splitlines(), "")
    if raises:
        yield from ("Raises:", "")
        for line in raises.splitlines():
            if line.startswith("    "):
                yield f"  {line.strip()}"
            elif line:
                yield f"- `{'`, `'.join(line.split(', '))}`:"
        yield ""


def _fields(named: Any) -> Iterator[str]:
    if isinstance(named, type) and issubclass(named, BaseModel):
        yield from (", ".join(f"`{name}`" for name in named.model_fields), "")


def _default(value: Any) -> str:
    return "" if value is None else f"`{str(value).lower()}`"
