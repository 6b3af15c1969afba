"""The commands that only a notebook has: ``%jvs auto`` and ``%jvs browse``."""

from __future__ import annotations

import click

from jvs_core import InputError
from jvs_core.cli.group import Command, Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Seconds
from jvs_magics.call import KernelCall
from jvs_magics.magics import JvsMagics


@click.group(cls=Group)
def auto() -> None:
    """Take a snapshot after each cell that changed files.

    \b
    Example:
      %jvs auto on --every 60
    """


@auto.command()
@click.option(
    "--every",
    "every_s",
    type=Seconds(),
    default=0,
    metavar="SECONDS",
    help="Take at most one in SECONDS; later changes are in the next one.",
)
@click.pass_obj
def on(call: KernelCall, every_s: float) -> Outcome:
    """Start taking snapshots after cells.

    \b
    Example:
      %jvs auto on
    """
    call.repository().status(call.worktree)
    magics = _magics(call)
    magics.auto.turn_on(every_s)
    return _state(magics)


@auto.command()
@click.pass_obj
def off(call: KernelCall) -> Outcome:
    """Stop taking snapshots after cells.

    \b
    Example:
      %jvs auto off
    """
    magics = _magics(call)
    magics.auto.turn_off()
    return _state(magics)


@auto.command()
@click.pass_obj
def status(call: KernelCall) -> Outcome:
    """Show whether snapshots are taken after cells.

    \b
    Example:
      %jvs auto status
    """
    return _state(_magics(call))


@click.command(cls=Command)
@click.pass_obj
def browse(call: KernelCall) -> Outcome:
    """Browse snapshots with widgets: timeline, files, preview, comparison, restore.

    \b
    Example:
      %jvs browse
    """
    magics = _magics(call)
    if not hasattr(magics.host, "kernel"):
        raise InputError("widgets need a notebook, and this is a terminal", hint="jvs history")
    try:
        from jvs_magics.browser import Browser
    except ModuleNotFoundError as error:
        raise InputError("widgets need the package ipywidgets", hint="pip install ipywidgets") from error
    return Outcome(Browser(magics, call.repository(), call.worktree), ["browsing with widgets"])


def _state(magics: JvsMagics) -> Outcome:
    auto = magics.auto
    value = {"auto": auto.enabled, "every_s": auto.every_s, "last_snapshot_id": auto.last_snapshot_id}
    words = "on" if auto.enabled else "off"
    limit = f", at most one in {auto.every_s:g} s" if auto.enabled and auto.every_s else ""
    return Outcome(value, [f"Snapshots after cells: {words}{limit}"])


def _magics(call: KernelCall) -> JvsMagics:
    assert isinstance(call.magics, JvsMagics)
    return call.magics
