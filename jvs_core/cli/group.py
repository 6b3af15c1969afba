"""Commands and groups: common options anywhere on the line, subcommands loaded when they are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple, cast

import click
from click import Context, HelpFormatter, Parameter

from jvs_core.cli import habits
from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import WorktreeName
from jvs_core.errors import InputError


class Answered(Exception):
    """An option such as ``--help`` answered in place of the command."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class CommandLineError(InputError):
    """The command line could not be parsed; options after the fault have not been read."""


class Lazy(NamedTuple):
    """A subcommand that is imported when it is named: ``module:attribute`` and its line in the help."""

    target: str
    help: str


class Command(click.Command):
    """A command that takes the common options anywhere among its own."""

    def invoke(self, ctx: Context) -> Any:
        """Run the command; the call knows from now on which one it is."""
        call = ctx.find_object(Call)
        if call is not None:
            call.command = ctx.command_path.removeprefix("jvs ")
        return super().invoke(ctx)

    def make_parser(self, ctx: Context) -> Any:
        """Return a parser that refuses a value given twice, where only one of them could count."""
        return once_only(super().make_parser(ctx))

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the command's parameters and the common options."""
        return [*self.params, *_common_options(hidden=True), _help_option()]

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Say where the common options are explained."""
        super().format_epilog(ctx, formatter)
        _point_to_common_options(formatter)


class Group(click.Group):
    """A group whose subcommands, its own or lazily loaded ones, take the common options too."""

    command_class = Command

    def __init__(
        self, *args: Any, lazy: Mapping[str, Lazy] | None = None, root: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.no_args_is_help = False
        self.invoke_without_command = True
        self.callback = _require_subcommand
        self._lazy = dict(lazy or {})
        self._root = root

    def make_parser(self, ctx: Context) -> Any:
        """Return a parser that refuses a value given twice, where only one of them could count."""
        return once_only(super().make_parser(ctx))

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the group's parameters and the common options."""
        return [*self.params, *_common_options(hidden=not self._root), _help_option()]

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the names in the order in which they were declared."""
        return [*self._lazy, *(name for name in self.commands if name not in self._lazy)]

    def get_command(self, ctx: Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand, imported now if need be."""
        if cmd_name in self.commands or cmd_name not in self._lazy:
            return self.commands.get(cmd_name)
        module, _, attribute = self._lazy[cmd_name].target.partition(":")
        command = cast(click.Command, getattr(import_module(module), attribute))
        self.commands[cmd_name] = command
        return command

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that ``args`` name. Raises InputError with the nearest names."""
        if ctx.resilient_parsing or args[0].startswith("-") or self.get_command(ctx, args[0]) is not None:
            return super().resolve_command(ctx, args)
        raise CommandLineError(
            f"no such command: {ctx.command_path} {args[0]}", hint=self._nearest(ctx, args[0])
        )

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._line(ctx, name)) for name in self.list_commands(ctx)])

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Say where the common options are explained."""
        super().format_epilog(ctx, formatter)
        if not self._root:
            _point_to_common_options(formatter)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[Any]:
        """Complete subcommand names without importing them."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=self._line(ctx, name)) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def _line(self, ctx: Context, name: str) -> str:
        if name in self._lazy:
            return self._lazy[name].help
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=100) if command else ""

    def _nearest(self, ctx: Context, name: str) -> str:
        from difflib import get_close_matches

        if known := habits.answer(f"{ctx.command_path} {name}".removeprefix("jvs ")):
            return known
        near = get_close_matches(name, self.list_commands(ctx), n=3)
        if near:
            return "did you mean: " + ", ".join(f"{ctx.command_path} {match}" for match in near)
        return f"{ctx.command_path} --help"


def once_only(parser: Any) -> Any:
    """Have a parser of click's raise CommandLineError for an option whose value would replace an earlier one."""
    parse: Callable[[list[str]], Any] = parser.parse_args

    def parse_args(args: list[str]) -> Any:
        found = parse(args)
        for param, times in Counter(found[2]).items():
            if (
                times > 1
                and isinstance(param, click.Option)
                and not (param.multiple or param.is_flag or param.count)
            ):
                raise CommandLineError(
                    f"{param.opts[-1]} is given {times} times, and only one can apply",
                    hint=f"{parser.ctx.command_path} --help",
                )
        return found

    parser.parse_args = parse_args
    return parser


@contextmanager
def command_line_errors() -> Iterator[None]:
    """Raise CommandLineError wherever click refuses the command line."""
    try:
        yield
    except click.NoSuchOption as error:
        near = f"did you mean {' or '.join(error.possibilities)}? " if error.possibilities else ""
        path = error.ctx.command_path.removeprefix("jvs ") if error.ctx else ""
        known = habits.answer_option(f"{path} {error.option_name}")
        hint = known or near + _help_of(error)
        raise CommandLineError(f"no such option: {error.option_name}", hint=hint) from error
    except click.UsageError as error:
        raise CommandLineError(_sentence(error.format_message()), hint=_help_of(error)) from error
    except click.ClickException as error:
        raise CommandLineError(_sentence(error.format_message())) from error


def asks_for_json(args: Sequence[str]) -> bool:
    """Return whether a line that was not read to its end asks for JSON."""
    own = args[: args.index("--")] if "--" in args else args
    return "--json" in own


@click.pass_context
def _require_subcommand(ctx: Context) -> None:
    if ctx.invoked_subcommand is None:
        names = ", ".join(cast(Group, ctx.command).list_commands(ctx))
        raise InputError(f"{ctx.command_path} needs a command: {names}", hint=f"{ctx.command_path} --help")


def _help_of(error: click.UsageError) -> str:
    return f"{error.ctx.command_path if error.ctx else 'jvs'} --help"


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def _point_to_common_options(formatter: HelpFormatter) -> None:
    formatter.write_paragraph()
    formatter.write_text(
        "Every command also takes --json, -q, -v, --no-color, --repo and --worktree: see jvs --help."
    )


def _common_options(*, hidden: bool) -> list[click.Option]:
    def option(*names: str, field: str, text: str, **kwargs: Any) -> click.Option:
        return click.Option(
            [*names, f"common_{field}"],
            help=text,
            hidden=hidden,
            expose_value=False,
            callback=lambda ctx, _param, value: _note(ctx, field, value),
            **kwargs,
        )

    return [
        option("--repo", field="repo", text="Work on the repository at or above PATH.", metavar="PATH"),
        option(
            "--worktree",
            field="worktree",
            text="Work on the worktree NAME, not on the current one.",
            metavar="NAME",
            type=WorktreeName(),
        ),
        option("--json", field="json", text="Print one JSON document.", is_flag=True),
        option("-q", "--quiet", field="quiet", text="Show no progress and no advice.", is_flag=True),
        option(
            "-v",
            "--verbose",
            field="verbose",
            text="Print more details; given twice, also show where an error happened.",
            count=True,
        ),
        option(
            "--no-color", field="no_color", text="Print without colours, as with NO_COLOR set.", is_flag=True
        ),
    ]


def _note(ctx: Context, field: str, value: Any) -> None:
    call = ctx.find_object(Call)
    if call is None or value is None or value is False:
        return
    if field == "verbose":
        call.verbose += value
    elif field == "no_color":
        call.color = False
    else:
        setattr(call, field, value)


def _help_option() -> click.Option:
    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        help="Show this help.",
        callback=_answer_help,
    )


def _answer_help(ctx: Context, _param: Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        text = ctx.get_help()
        raise Answered(Outcome({"help": text}, text.splitlines()))
