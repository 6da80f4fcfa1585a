"""Tables as aligned text, for places that render none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markdown_it.tree import SyntaxTreeNode

from app.content.render.width import pad, width

_ALIGN = {"text-align:right": "right", "text-align:center": "center"}
RULE = "─"


def aligned(node: SyntaxTreeNode, text_of: Callable[[SyntaxTreeNode], str]) -> list[str]:
    """The lines of a table's node: its head, a rule, its rows; `text_of` gives the text of a cell's content."""
    rows = [[_cell(cell, text_of) for cell in row.children] for part in node.children for row in part.children]
    aligns = [_ALIGN.get(str(cell.attrs.get("style", "")), "left") for cell in node.children[0].children[0].children]
    columns = [max(width(row[index]) for row in rows) for index in range(len(aligns))]
    head, *body = (_line(row, columns, aligns) for row in rows)
    return [head, "  ".join(RULE * max(1, each) for each in columns), *body]


def _cell(cell: SyntaxTreeNode, text_of: Callable[[SyntaxTreeNode], str]) -> str:
    return " ".join("".join(text_of(child) for child in cell.children).split())


def _line(row: Sequence[str], columns: Sequence[int], aligns: Sequence[str]) -> str:
    padded = (pad(text, size, align) for text, size, align in zip(row, columns, aligns, strict=True))
    return "  ".join(padded).rstrip()
