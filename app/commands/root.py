"""The root of all commands: knows their names and help lines, and imports one when it is used."""

from __future__ import annotations

import difflib
import io
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import click

from app.commands.table import AREAS, COMMANDS


class Front(NamedTuple):
    """What only the app can do, for commands, which know nothing of screens."""

    open_app: Callable[[Path | None, str], int]
    """Opens the app with a configuration, on an area."""
    wrong_names: Callable[[str, Mapping[str, str]], list[tuple[tuple[str, str], str]]]
    """What of a theme's name and of `[keys]` the app would not know: table and key, and what is wrong."""


EXAMPLES = """\b
Examples:
  qd                                    open the app
  qd --start tests                      open it on the Tests area
  qd init                               write a configuration to start from
  qd config check                       is the configuration right?
  qd test run --path ~/code/trading     run a project's tests, with no configuration
  qd test watch --json                  a line of JSON for every test, on every save
"""


class LazyGroup(click.Group):
    """A group whose commands stand in a table, so that help and completion load none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from app import __version__

        click.echo(f"quarterdeck {__version__}")
        ctx.exit()


def _areas(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [area for area in AREAS if area.startswith(incomplete.casefold())]


@click.group(
    cls=LazyGroup,
    epilog=EXAMPLES,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("--config", type=click.Path(path_type=Path), metavar="PATH", help="Configuration to use.")
@click.option("--start", metavar="AREA", default="", shell_complete=_areas, help="Area to open the app on.")
@click.option("--version", "-V", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print it.")
@click.pass_context
def root(ctx: click.Context, config: Path | None, start: str) -> None:
    """Quarterdeck, a command center for the terminal. Without a command it opens the app."""
    if ctx.invoked_subcommand is None:
        ctx.exit(ctx.obj.open_app(config, start))
    if start:
        raise click.UsageError("--start opens the app and goes with no command")


def invoke(arguments: list[str], program: str, front: Front) -> int:
    """Run a command, or open the app. The return value is the exit code; 2 for arguments that make no sense."""
    if sys.stdout is None:
        # `>&-`: what is printed goes nowhere, and no other file takes the place of standard output.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the program ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A sign that the terminal's encoding lacks is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    output = sys.stdout
    try:
        answer = root.main(args=arguments, prog_name=program, standalone_mode=False, obj=front)
    except click.Abort:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        # Its message is the whole help, with the usage in it.
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        return _misused(error, program)
    except SystemExit:
        if sys.stdout is output:
            raise
        # So click answers to a reader that has gone: with another stream and exit code 1. We have an answer of our own.
        sys.stdout = output
        raise BrokenPipeError from None
    return answer if isinstance(answer, int) else 0


def _misused(error: click.ClickException, program: str) -> int:
    context = getattr(error, "ctx", None)
    print(f"quarterdeck: {error.format_message()}", file=sys.stderr)
    if context is not None:
        print(context.get_usage(), file=sys.stderr)
    print(f"`{context.command_path if context else program} --help` says more", file=sys.stderr)
    return 2
