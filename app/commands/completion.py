"""`qd completion`: the script that teaches a shell to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from app.commands.table import COMPLETION_VARIABLES, PROGRAMS

EPILOG = """\b
Examples:
  bash  qd completion bash > ~/.local/share/bash-completion/completions/qd
  zsh   qd completion zsh > ~/.zfunc/_qd        (with ~/.zfunc in $fpath, before compinit)
  fish  qd completion fish > ~/.config/fish/completions/qd.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell, for `qd` and `quarterdeck`."""
    from app.commands.root import root

    kind = get_completion_class(shell)
    assert kind is not None
    for program, variable in zip(PROGRAMS, COMPLETION_VARIABLES, strict=True):
        click.echo(kind(root, {}, program, variable).source())
