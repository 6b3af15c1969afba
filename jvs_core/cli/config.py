"""``jvs config``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click import Context, style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Completed
from jvs_core.cli.text import columns, safe
from jvs_core.errors import InputError

if TYPE_CHECKING:
    from jvs_core.repository import Repository
    from jvs_core.results import Setting


class Key(Completed):
    """The key of a setting."""

    name = "key"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        return ((setting.key, _words(setting)) for setting in repository.config.all())


@click.group(cls=Group)
def config() -> None:
    """Show and change the settings of the repository.

    \b
    Example:
      jvs config show
      jvs config set timeline.every_s 600
    """


@config.command()
@click.pass_obj
def show(call: Call) -> Outcome:
    """List all settings: key, value, and where the value comes from.

    \b
    Example:
      jvs config show
    """
    found = call.repository().config.all()
    rows = [(safe(setting.key), safe(_words(setting)), _source(setting)) for setting in found]
    return Outcome(found, columns(rows))


@config.command()
@click.argument("key", type=Key())
@click.pass_obj
def get(call: Call, key: str) -> Outcome:
    """Print the value of KEY that applies; a list has one value on each line.

    \b
    Example:
      jvs config get lease.duration_ms
    """
    found = call.repository().config.get(key)
    lines = found.value if isinstance(found.value, list) else [_words(found)]
    return Outcome(found, [safe(line) for line in lines])


@config.command("set")
@click.argument("key", type=Key())
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option(
    "--default", is_flag=True, help="Remove the setting from the file, so that its default applies again."
)
@click.pass_obj
def set_(call: Call, key: str, values: tuple[str, ...], default: bool) -> Outcome:
    """Set KEY to VALUE in .jvs/config.toml; a list takes several values. Comments and other settings stay.

    \b
    Example:
      jvs config set timeline.every_s 600
      jvs config set exclude.patterns '*.tmp' /scratch/
      jvs config set retention.weekly.keep_weekly 52
    """
    if default == bool(values):
        raise InputError("give a value, or --default", hint=f"jvs config set {safe(key)} VALUE")
    settings = call.repository().config
    done = settings.reset(key) if default else settings.set(key, *values)
    warnings = []
    if done.source == "environment":
        warnings.append(f"in this environment, {done.variable} overrides the file: {_words(done)}")
    return Outcome(done, [f"{safe(done.key)} = {safe(_words(done))}  ({_source(done)})"], warnings=warnings)


def _words(setting: Setting) -> str:
    value = setting.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value) if value else "(none)"
    return "(not set)" if value is None else str(value)


def _source(setting: Setting) -> str:
    if setting.source == "default":
        return "default"
    return style(setting.variable or setting.source, fg="yellow")
