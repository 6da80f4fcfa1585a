"""What the command line and standard input give."""

from __future__ import annotations

import os
from typing import Any

import click

from app import standard_input
from app.errors import UserError


def utf8(_context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The value of an option or an argument, as its callback. Raises UserError where a text of it is no UTF-8."""
    where = parameter.opts[-1] if parameter.param_type_name == "option" else parameter.human_readable_name
    for text in value if isinstance(value, tuple) else (value,):
        if text is not None:
            decoded(os.fsencode(text), where)
    return value


def decoded(data: bytes, where: str) -> str:
    """Bytes as the text that they are. Raises UserError where they are no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"no UTF-8 at byte {error.start + 1}", where=where, fix="convert it to UTF-8") from None


def text_of(value: str, most: int) -> str:
    """The text that is given, which is that of standard input for `-`."""
    return decoded(standard_input.read(most), standard_input.WHERE) if value == "-" else value
