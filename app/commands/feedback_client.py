"""`qd feedback client`: the client for other programs, in one file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from app.commands.common import emit, json_option
from app.errors import UserError
from app.files import replace_text

NAME = "quarterdeck_client.py"


@click.command(
    epilog="\b\nExamples:\n  qd feedback client --write ~/code/bot\n  qd feedback client > quarterdeck_client.py"
)
@click.option(
    "--write", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Write it into this folder instead."
)
@json_option
def client(folder: Path | None, as_json: bool) -> int:
    """Print a client for Python programs: one file, standard library only, that queues rows and delivers them."""
    text = files("templates").joinpath("client", NAME).read_text("utf-8")
    path = None
    if folder is not None:
        path = folder.expanduser() / NAME
        _write(path, text)
    if as_json:
        emit({"path": str(path) if path else None, "text": text})
    elif path is not None:
        click.echo(f"wrote {path}")
    else:
        click.echo(text, nl=False)
    return 0


def _write(path: Path, text: str) -> None:
    """An earlier version of the client is replaced, anything else is not."""
    try:
        if path.exists() and not path.read_text("utf-8", "replace").startswith(text.partition("\n")[0]):
            raise UserError(
                "there is another file of this name", where=str(path), fix="move it away, or name another folder"
            )
        replace_text(path, text)
    except OSError as error:
        raise UserError(
            f"cannot be written ({error.strerror})", where=str(path), fix="name a folder that you can write to"
        ) from None
