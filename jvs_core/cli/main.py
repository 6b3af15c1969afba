"""The command tree, running one command line, and the console's entry."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from jvs_core.cli import output, stopping
from jvs_core.cli.call import Call, RepositoryOpener, open_repository
from jvs_core.cli.group import Answered, CommandLineError, Group, Lazy, asks_for_json, command_line_errors
from jvs_core.cli.outcome import Outcome
from jvs_core.errors import InputError, JvsError, UntrustedRepository
from jvs_core.progress import Progress

if TYPE_CHECKING:
    from jvs_core.repository import Repository

_COMPLETION_VARIABLE = "_JVS_COMPLETE"
_HELP = """Version whole workspaces: snapshots, history and safe restore of a real directory.

\b
Example:
  jvs init myrepo && cd myrepo/main
  jvs snapshot "before training" --lock
"""
_COMMANDS = {
    "init": Lazy("jvs_core.cli.init_info:init", "Make a repository."),
    "clone": Lazy("jvs_core.cli.clone:clone", "Clone a repository to another place or file system."),
    "import": Lazy("jvs_core.cli.clone:import_", "Import a repository of JVS 0.1.0 or of JVS in Go."),
    "info": Lazy("jvs_core.cli.init_info:info", "Show the repository's identity, engine and settings."),
    "status": Lazy("jvs_core.cli.compare:status", "Show how the worktree differs from its newest snapshot."),
    "snapshot": Lazy("jvs_core.cli.snapshot:snapshot", "Take a snapshot of the whole worktree."),
    "annotate": Lazy("jvs_core.cli.annotate:annotate", "Edit a snapshot's note and tags."),
    "history": Lazy("jvs_core.cli.history:history", "List snapshots, newest first."),
    "find": Lazy("jvs_core.cli.find:find", "Find files in all snapshots."),
    "stats": Lazy("jvs_core.cli.stats:stats", "Show what takes the space."),
    "show": Lazy("jvs_core.cli.browse:show", "Show one snapshot in full."),
    "ls": Lazy("jvs_core.cli.browse:ls", "List a folder of a snapshot."),
    "cat": Lazy("jvs_core.cli.browse:cat", "Print a file of a snapshot."),
    "compare": Lazy("jvs_core.cli.compare:compare", "List what changed between two snapshots, or since one."),
    "restore": Lazy("jvs_core.cli.restore:restore", "Restore a snapshot, or a part of it."),
    "export": Lazy("jvs_core.cli.export:export", "Write a snapshot, or a part of it, to a file or folder."),
    "view": Lazy("jvs_core.cli.view:view", "Open a read-only view of a snapshot."),
    "undo": Lazy("jvs_core.cli.undo:undo", "Take back the last in-place restore."),
    "redo": Lazy("jvs_core.cli.undo:redo", "Go forward again after an undo."),
    "timeline": Lazy("jvs_core.cli.timeline:timeline", "Keep an automatic history of the worktree."),
    "sandbox": Lazy("jvs_core.cli.sandbox:sandbox", "Run a command in a temporary worktree."),
    "bisect": Lazy("jvs_core.cli.bisect:bisect", "Find the first snapshot for which a command fails."),
    "lock": Lazy("jvs_core.cli.lock:lock", "Acquire, show, renew and release a worktree's lock."),
    "worktree": Lazy("jvs_core.cli.worktree:worktree", "Make, list, rename and remove worktrees."),
    "ref": Lazy("jvs_core.cli.ref:ref", "Name snapshots."),
    "gc": Lazy("jvs_core.cli.gc:gc", "Remove snapshots that nothing needs, or that a policy does not keep."),
    "verify": Lazy("jvs_core.cli.verify:verify", "Verify snapshots and the repository byte by byte."),
    "doctor": Lazy("jvs_core.cli.doctor:doctor", "Find what is wrong with the repository, and repair it."),
    "config": Lazy("jvs_core.cli.config:config", "Show and change the settings of the repository."),
    "explain": Lazy("jvs_core.cli.explain:explain", "Explain an error code, and what to do."),
    "trust": Lazy("jvs_core.cli.trust:trust", "Trust the repository of another user."),
    "audit": Lazy("jvs_core.cli.audit:audit", "Show the audit log, and make checkpoints of it."),
    "conformance": Lazy(
        "jvs_core.cli.conformance:conformance", "Check a file system against the requirements."
    ),
    "completion": Lazy(
        "jvs_core.cli.completion.command:completion", "Print a script that completes commands in your shell."
    ),
    "demo": Lazy("jvs_core.cli.demo:demo", "Demonstrate JVS on a temporary repository."),
}


def build(more: Mapping[str, Lazy] | None = None) -> Group:
    """Return the tree of all commands, with ``more`` of a front end's own; a module is imported when it is named."""
    from jvs_core.cli.plugins import PluginGroup

    return PluginGroup(
        name="jvs", help=_HELP, lazy={**_COMMANDS, **(more or {})}, root=True, params=[_version_option()]
    )


def execute(
    args: Sequence[str],
    *,
    repo_opener: RepositoryOpener | None = None,
    progress: Progress | None = None,
    call: Call | None = None,
    more: Mapping[str, Lazy] | None = None,
) -> Outcome:
    """Run one command line, without the leading ``jvs``, and return its outcome; print nothing.

    ``repo_opener`` opens the repository at or above a path, so that a front end may bring its own ``Repository``;
    ``progress`` receives the steps of long work. ``call``, instead, sets everything and receives the common options.
    ``more`` are commands of the front end's own.

    Raises
    ------
    JvsError
        The command failed, or (InputError) the line is none; nothing else but KeyboardInterrupt and ``click.Abort``
        (a question answered with no) is raised on purpose.
    """
    call = call or Call()
    if repo_opener is not None:
        call.opener = repo_opener
    if progress is not None:
        call.progress_factory = lambda _finish: progress
    tree = build(more)
    try:
        with command_line_errors(), call.finish, tree.make_context("jvs", list(args), obj=call) as ctx:
            return _outcome(tree.invoke(ctx))
    except Answered as answered:
        call.json = call.json or asks_for_json(args)
        return answered.outcome
    except CommandLineError:
        call.json = call.json or asks_for_json(args)
        raise
    except OSError as error:
        from jvs_core.faults import storage_error

        raise storage_error(error) from error


def complete(
    args: Sequence[str],
    incomplete: str,
    *,
    repo_opener: RepositoryOpener | None = None,
    more: Mapping[str, Lazy] | None = None,
) -> list[Any]:
    """Return click's completion items for the word ``incomplete`` after ``args``."""
    from click.shell_completion import ShellComplete

    call = Call() if repo_opener is None else Call(opener=repo_opener)
    return ShellComplete(build(more), {"obj": call}, "jvs", _COMPLETION_VARIABLE).get_completions(
        list(args), incomplete
    )


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line of the process and return its exit status."""
    if instruction := os.environ.get(_COMPLETION_VARIABLE):
        from jvs_core.cli.completion.shells import answer

        return answer(instruction, build(), {"obj": Call()})
    alone, args = args is None, sys.argv[1:] if args is None else args
    call = Call(progress_factory=_drawn_progress)
    call.confirm = lambda question: _ask(call, question)
    call.opener = lambda path: _opened(call, path)
    try:
        return output.show(execute(args or ["--help"], call=call), call)
    except click.Abort:
        return output.show_error(
            JvsError("not confirmed; nothing was changed"), call, status=output.INTERRUPTED
        )
    except KeyboardInterrupt as stopped:
        number = stopping.number_of(stopped)
        return output.show_error(output.interrupted(number), call, status=128 + number)
    except UntrustedRepository as error:
        return _as_owner(error, args, call) if alone else _failed(error, call)
    except JvsError as error:
        return _failed(error, call)
    except OSError as error:  # what was to be printed could not be read
        from jvs_core.faults import storage_error

        return _failed(storage_error(error), call)
    except Exception as error:  # noqa: BLE001 - the last resort: every failure has the contract's form
        return _failed(output.unexpected(error), call)


def _opened(call: Call, path: str) -> Repository:
    found = open_repository(path)
    output.show_warnings_of("jvs", call)
    return found


def _as_owner(error: UntrustedRepository, args: Sequence[str], call: Call) -> int:
    """Run the line with the owner's rights where root is in somebody else's repository; show why not, otherwise."""
    from jvs_core.cli.rights import run_as_owner

    try:
        return run_as_owner(error, args, call)
    except JvsError as failure:
        return _failed(failure, call)


def _failed(error: JvsError, call: Call) -> int:
    if call.verbose > 1:
        output.show_traceback(call)
    return output.show_error(error, call)


def _outcome(value: Any) -> Outcome:
    if not isinstance(value, Outcome):
        raise TypeError(f"a command returned {type(value).__name__}, not an Outcome")
    return value


def _ask(call: Call, question: str) -> bool:
    """Ask on the terminal. Raises InputError where nobody sits at one."""
    if call.json or not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise InputError(
            "this changes files in place, and JVS cannot ask you, because there is no terminal",
            hint="add --force",
        )
    return click.confirm(question, err=True)


def _drawn_progress(finish: ExitStack) -> Progress:
    from jvs_core.cli.progress import drawn

    return drawn(finish)


def _version_option() -> click.Option:
    def answer(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            from jvs_core.version import __version__

            raise Answered(Outcome({"version": __version__}, [f"jvs {__version__}"]))

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        help="Show the version.",
        callback=answer,
    )
