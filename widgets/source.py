"""Python source in colour, by role. Imports the lexer only when asked to, and remembers what it coloured."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.token import _TokenType

Part = tuple[str, str]
_LEXER_MODULE = "pygments.lexers.python"
_ROLES = (
    ("Comment", "$text-muted italic"),
    ("Keyword", "$special"),
    ("Operator.Word", "$special"),
    ("Literal.String", "$success"),
    ("Literal.Number", "$warning"),
    ("Name.Function", "$info"),
    ("Name.Class", "$info"),
    ("Name.Decorator", "$info"),
)


def ready() -> bool:
    """True once the lexer is loaded, so that `coloured` answers at once."""
    return _LEXER_MODULE in sys.modules


def warm() -> None:
    """Load the lexer. Takes some tens of milliseconds; call it in a thread."""
    coloured(("pass",))


@lru_cache(maxsize=4096)
def _role(token: _TokenType) -> str:
    name = ".".join(token)
    return next((role for prefix, role in _ROLES if name == prefix or name.startswith(f"{prefix}.")), "")


@lru_cache(maxsize=256)
def coloured(lines: tuple[str, ...]) -> tuple[tuple[Part, ...], ...]:
    """Cleaned lines of Python, each as pieces with roles."""
    from pygments.lexers.python import PythonLexer

    text = "\n".join(lines)
    result: list[list[Part]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        role = _role(token)
        for n, piece in enumerate(value.split("\n")):
            if n:
                result.append([])
            if piece:
                result[-1].append((piece, role))
    result.extend([] for _ in range(len(lines) - len(result)))
    return tuple(tuple(parts) for parts in result[: len(lines)])
