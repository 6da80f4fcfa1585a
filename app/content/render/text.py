"""Markdown as plain text: for the text part of a mail, for previews, for counting."""

from __future__ import annotations

import re
import textwrap

from markdown_it.tree import SyntaxTreeNode

from app.content.render.parsing import tree
from app.content.render.table import aligned

_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^>]*>", re.DOTALL)
_CHECKED = re.compile(r"checked")
DONE, OPEN = "[x]", "[ ]"


def to_text(text: str, columns: int = 0) -> str:
    """The words of a Markdown text without its marks, ending with one line end; wrapped to `columns` unless that is 0.

    A link's address follows it in brackets; tables are aligned; images are their descriptions.
    """
    lines = _blocks(tree(text), columns)
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""


def inline_text(node: SyntaxTreeNode, *, addresses: bool = False) -> str:
    """The words of an inline node."""
    kind = node.type
    if kind in {"text", "text_special", "code_inline"}:
        return node.content
    if kind == "softbreak":
        return " "
    if kind == "hardbreak":
        return "\n"
    if kind == "html_inline":
        if "task-list-item-checkbox" in node.content:
            return DONE if _CHECKED.search(node.content) else OPEN
        return ""
    if kind == "image":
        return node.content
    if kind == "footnote_ref":
        return f"[{node.meta['label']}]"
    inner = "".join(inline_text(child, addresses=addresses) for child in node.children)
    if kind == "link" and addresses:
        address = str(node.attrs.get("href", ""))
        return inner if inner in (address, address.removeprefix("mailto:")) else f"{inner} ({address})"
    return inner


def without_tags(html: str) -> str:
    """The text between the tags of a piece of HTML."""
    return _TAG.sub("", html).strip()


def _blocks(parent: SyntaxTreeNode, columns: int) -> list[str]:
    lines: list[str] = []
    before: SyntaxTreeNode | None = None
    for node in parent.children:
        if block := _block(node, columns):
            # A hidden paragraph is one of a list without empty lines.
            if before is not None and not before.hidden:
                lines.append("")
            lines += block
            before = node
    return lines


def _block(node: SyntaxTreeNode, columns: int) -> list[str]:
    kind = node.type
    if kind in {"paragraph", "heading"}:
        words = "".join(inline_text(child, addresses=True) for child in node.children)
        return _wrapped(words, columns)
    if kind in {"bullet_list", "ordered_list"}:
        return _list(node, columns)
    if kind == "blockquote":
        return [f"> {line}".rstrip() for line in _blocks(node, columns - 2 if columns else 0)]
    if kind in {"fence", "code_block"}:
        return [f"    {line}".rstrip() for line in node.content.rstrip("\n").split("\n")]
    if kind == "table":
        return aligned(node, inline_text)
    if kind == "hr":
        return ["* * *"]
    if kind == "html_block":
        return [line.strip() for line in without_tags(node.content).split("\n") if line.strip()]
    if kind == "footnote_reference":
        return _marked(f"[{node.meta['label']}] ", _blocks(node, columns))
    return []


def _list(node: SyntaxTreeNode, columns: int) -> list[str]:
    number = int(node.attrs.get("start", 1))
    loose = any(child.type == "paragraph" and not child.hidden for item in node.children for child in item.children)
    lines: list[str] = []
    for place, item in enumerate(node.children):
        mark = f"{number + place}. " if node.type == "ordered_list" else "- "
        if lines and loose:
            lines.append("")
        lines += _marked(mark, _blocks(item, max(20, columns - len(mark)) if columns else 0))
    return lines


def _marked(mark: str, lines: list[str]) -> list[str]:
    first, *rest = lines or [""]
    return [f"{mark}{first}".rstrip(), *(f"{' ' * len(mark)}{line}".rstrip() for line in rest)]


def _wrapped(words: str, columns: int) -> list[str]:
    lines = words.split("\n")
    if not columns:
        return [line.strip() for line in lines]
    filled = (textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False) or [""] for line in lines)
    return [part for each in filled for part in each]
