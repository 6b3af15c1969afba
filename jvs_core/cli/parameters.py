"""Parameter types: seconds, and names that the shell can complete from the repository."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click import Context, Parameter

from jvs_core.cli.call import Call
from jvs_core.cli.text import first_line
from jvs_core.errors import InputError, JvsError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from jvs_core.repository import Repository

    NumberType = click.ParamType[float]
    TextType = click.ParamType[str]
else:  # generic since click 8.2 only
    NumberType = TextType = click.ParamType

_LONGEST_LIST = 200


class Seconds(NumberType):
    """A finite time, not negative."""

    name = "seconds"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        """Return the number of seconds."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds) or seconds < 0:
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


_BYTES = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(?:([kmgtp])(i?)b?|b)?", re.ASCII | re.IGNORECASE)


class Bytes(NumberType):
    """A number of bytes: ``500``, ``10M`` (in steps of 1000, as sizes are shown) or ``10MiB`` (of 1024)."""

    name = "size"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> int:
        """Return the number of bytes."""
        if isinstance(value, int):
            return value
        found = _BYTES.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is not a size, for example 500k, 10M or 1.5GiB", param, ctx)
        power = 0 if found[2] is None else "kmgtp".index(found[2].lower()) + 1
        return round(float(found[1]) * float((1024 if found[3] else 1000) ** power))


def taking_lock(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--lock`` and ``--wait``, as the arguments ``lock`` and ``wait_s``."""
    lock = click.option(
        "--lock",
        is_flag=True,
        is_eager=True,  # read before --wait, wherever it stands
        help="Take the lock for this command, unless you hold it, and release it afterwards.",
    )
    wait = click.option(
        "--wait",
        "wait_s",
        type=Seconds(),
        metavar="SECONDS",
        callback=_with_lock,
        help="With --lock: wait up to SECONDS for another holder.",
    )
    return lock(wait(command))


def _with_lock(ctx: Context, _param: Parameter, value: float | None) -> float | None:
    if value is not None and not ctx.params.get("lock") and not ctx.resilient_parsing:
        raise InputError("--wait needs --lock", hint=f"{ctx.command_path} --lock --wait SECONDS")
    return value


class Completed(TextType):
    """Text, completed from the repository; where that cannot be read, from nothing."""

    def shell_complete(self, ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the candidates that begin with ``incomplete``."""
        from click.shell_completion import CompletionItem

        try:
            call = ctx.find_object(Call) or Call()
            found = [
                CompletionItem(name, help=note or None)
                for name, note in self._candidates(call.repository(), call, ctx, incomplete)
                if name.startswith(incomplete)
            ]
        except (JvsError, OSError):
            return []
        return found[:_LONGEST_LIST]

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        raise NotImplementedError


class Snapshot(Completed):
    """A SNAPSHOT argument: id, prefix, ref, ``HEAD`` or ``HEAD~N``, ``@TIME``, ``tag:NAME``."""

    name = "snapshot"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        yield "HEAD", "the worktree's newest snapshot"
        if incomplete.startswith("tag:"):
            items = repository.history(call.worktree, limit=_LONGEST_LIST, unreadable=[])
            tags = dict.fromkeys(tag for item in items for tag in item.descriptor.tags)
            yield from ((f"tag:{tag}", "the newest with this tag") for tag in tags)
        elif incomplete:
            yield "tag:", "the newest with a tag"
            yield "@yesterday", "the newest taken until the end of yesterday"
            yield "@1h", "the newest taken until an hour ago"
        for ref in repository.refs.all():
            yield ref.name, f"ref to {ref.snapshot_id}"
        for descriptor in repository.beginning(incomplete, limit=_LONGEST_LIST):
            yield descriptor.snapshot_id, first_line(descriptor.note)


class RefName(Completed):
    """The name of a ref."""

    name = "ref"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        return ((ref.name, first_line(ref.note)) for ref in repository.refs.all())


class RunName(Completed):
    """The id or the name of a recorded run."""

    name = "run"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        for run in repository.runs.find(limit=_LONGEST_LIST, unreadable=[]):
            yield run.run_id, first_line(run.name or run.subject)


class PinId(Completed):
    """The id of a pin."""

    name = "pin"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        return ((pin.pin_id, first_line(pin.reason)) for pin in repository.pins.all(unreadable=[]))


class TagOfSnapshot(Completed):
    """A tag of the snapshot that the same command line names."""

    name = "tag"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        snapshot = ctx.params.get("snapshot") or next(iter(ctx.args), "HEAD")
        return ((tag, "") for tag in repository.show(snapshot, worktree=call.worktree).descriptor.tags)


class WorktreeName(Completed):
    """The name of a worktree."""

    name = "worktree"

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        return ((info.name, info.path) for info in repository.worktrees.all())


class PathInWorktree(TextType):
    """A path in the worktree, from its top folder; one that begins with ``./`` or ``../`` from the current folder."""

    name = "path"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> str:
        """Return the path from the worktree's top."""
        path = str(value)
        if path.partition("/")[0] not in (".", ".."):
            return path
        call = (ctx and ctx.find_object(Call)) or Call()
        try:
            repository = call.repository()
            top = repository.worktrees.get(call.worktree or repository.worktree).path
            here = os.path.relpath(os.getcwd(), top)
        except (JvsError, OSError):  # the command says why
            return path
        inside = here.partition("/")[0] != ".."
        return os.path.normpath(os.path.join(here, path)) if inside else path


class PathInSnapshot(PathInWorktree, Completed):
    """A path inside the snapshot that the same command line names."""

    def _candidates(
        self, repository: Repository, call: Call, ctx: Context, incomplete: str
    ) -> Iterable[tuple[str, str]]:
        folder = incomplete.rpartition("/")[0]
        # After an option that waits for its value, as here for ``--path``, the parser leaves the arguments unread.
        snapshot = ctx.params.get("snapshot") or next(iter(ctx.args), "HEAD")
        for entry in repository.ls(snapshot, folder, worktree=call.worktree):
            yield entry.path + ("/" if entry.type == "directory" else ""), ""
