"""The reference pages of the Python interface and of the configuration, from the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import jvs_core
from jvs_core.settings import ExcludeConfig, LeaseConfig, RepositoryConfig, RetentionPolicy, TimelineConfig
from jvs_core.validated import Model

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
`from jvs_core import Repository` gives you everything. The names on this page are the public interface; all else
may change without notice. The package is typed. Every method raises only subclasses of `JvsError`; each has `code`,
`exit_status`, `message` and `hint` ([errors](errors.md)). Results have attributes and `to_json()`, which returns what
the command prints with `--json`.

```python
from jvs_core import Repository

repo = Repository.open(".")
with repo.hold(purpose="training"):
    taken = repo.snapshot("before training", tags=["baseline"])
    repo.restore_inplace(taken.snapshot_id, reason="it went wrong")
```"""
_CONFIGURATION = """\
You do not have to configure anything. Settings of a process are in its environment. Settings of a repository are in
`.jvs/config.toml`. `jvs config show` lists them, and where each value comes from. `jvs config set KEY VALUE` changes one
setting, and keeps comments and everything else. For the Jupyter server see [its guide](../guides/jupyterlab.md#settings),
for notebooks see [magics](magics.md#options).

## Environment

| variable | default | meaning |
|---|---|---|
| `JVS_SESSION` | `default` | separates lock holders that share a user: letters, digits, `. _ - : @` |
| `JVS_SNAPSHOT_ENGINE` | the best engine that works | the engine that this process uses: `juicefs-clone`, `btrfs-snapshot`, `reflink-copy`, `copy` |
| `JVS_STATE_DIR` | the user's state folder (`~/.local/state/jvs`) | secrets of held locks; keep it private |
| `JVS_CACHE_DIR` | the user's cache folder (`~/.cache/jvs`) | the cache that makes snapshots fast; you can delete it at any time |
| `JVS_CONFIG_DIR` | the user's configuration folder (`~/.config/jvs`) | the repositories that you trust (`jvs trust`) |
| `JVS_OWNERS_DIR` | `/var/lib/jvs/as` | only for root: the folder for state that root needs in repositories of other users; it has one folder for each user |
| `JVS_TIMELINE` | | overrides `[timeline]` of every repository, as JSON: `{"every_s": 600}`; JupyterHub sets it from `jvs_timeline` |
| `JVS_WITHOUT_LOCK` | | the reason why a server started without its lock, as JSON with `code`, `message` and `hint`; JupyterHub sets it |
| `JVS_PAGER`, else `PAGER` | `less` | the pager for `jvs compare --stat` and `--patch` on a terminal; `cat` or an empty value means no pager. As git does, JVS sets `LESS=FRX` for it unless you set `LESS` |
| `NO_COLOR` | | no colour in the command's output |

## `.jvs/config.toml`

An unknown key or a value of the wrong kind is an error that names it; JVS never ignores one."""


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
        "shared": "whether a group shares it, as `jvs init --shared` sets it",
    }
    for name, field in RepositoryConfig.model_fields.items():
        if name in meanings:
            yield f"| `{name}` | {_default(field.default)} | {meanings.pop(name)} |"
    lease = {
        "duration_ms": "how long a lock lasts without renewal",
        "renew_interval_ms": "how often a program renews its lock",
        "max_clock_skew_ms": "how far the clocks of hosts may differ",
        "steal_grace_ms": "how long to wait after the end of a lock before somebody can take it over",
    }
    for name, field in LeaseConfig.model_fields.items():
        yield f"| `lease.{name}` | {_default(field.default)} | {lease.pop(name)} |"
    exclude = {
        "patterns": "what snapshots leave out, in the syntax of `.gitignore`, as `jvs init --exclude` sets it",
        "caches": "whether to leave out known caches too, as `jvs init --exclude-caches` sets it",
    }
    for name in ExcludeConfig.model_fields:
        shown = "`[]`" if name == "patterns" else "`false`"
        yield f"| `exclude.{name}` | {shown} | {exclude.pop(name)} |"
    timeline = {
        "enabled": "whether a Jupyter server and `jvs timeline run` take automatic snapshots",
        "after_save_s": "how long after the last change to take a snapshot",
        "every_s": "the shortest time between two automatic snapshots, and the longest time between a change and its snapshot",
        "keep": "which automatic snapshots stay: `AGE:PERIOD` applies to snapshots younger than AGE, and keeps one in each PERIOD; `rest` means all older ones",
        "deleted_days": "how long to keep the last version of a file that was deleted or overwritten",
        "space_percent": "the share of the file system that automatic snapshots may take; beyond that, JVS removes the oldest first",
    }
    for name, field in TimelineConfig.model_fields.items():
        yield f"| `timeline.{name}` | {_default(field.default)} | {timeline.pop(name)} |"
    for name in RetentionPolicy.model_fields:
        yield f"| `retention.NAME.{name}` | | as `jvs gc plan --{name.replace('_', '-')}` |"
    yield from (
        "",
        "To use a policy, name it: `jvs gc plan --policy weekly`. This defines the policy `weekly`:",
        "",
    )
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
    if isinstance(named, type) and issubclass(named, Model):
        yield from (", ".join(f"`{name}`" for name in named.model_fields), "")


def _default(value: Any) -> str:
    return "" if value is None else f"`{str(value).lower()}`"
