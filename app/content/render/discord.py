"""Markdown as Discord renders it: what it has no form for becomes something that it has.

Tables become aligned code, images links, headings below the third level bold lines, task boxes characters, footnotes
small text; rules and front matter go. Mentions, emoji and timestamps of Discord's own pass through.
"""

from __future__ import annotations

import re

from markdown_it.tree import SyntaxTreeNode

from app.content.render.parsing import tree
from app.content.render.table import aligned
from app.content.render.text import inline_text, without_tags

HEADINGS = 3
"""Levels of headings that Discord has."""
_FENCE = "```"
_WEB = re.compile(r"https?://[^\s<>]+")
_SPECIAL = frozenset("*_~`|>#-[]()\\<:")
_LONGEST_RUN = re.compile("`+")
_MARKS = {"strong": "**", "em": "*", "s": "~~"}


def to_discord(text: str) -> str:
    """The Markdown for Discord, without a line end at its end; empty where there is nothing to show."""
    return "\n".join(_blocks(tree(text))).strip("\n")


def length(text: str) -> int:
    """How long Discord may take a text for: its documents do not say what they count, so the larger of both."""
    return max(len(text), len(text.encode("utf-16-le", "surrogatepass")) // 2)


def _blocks(parent: SyntaxTreeNode, quoted: bool = False) -> list[str]:
    lines: list[str] = []
    before: SyntaxTreeNode | None = None
    for node in parent.children:
        if block := _block(node, quoted):
            if before is not None and not before.hidden:
                lines.append("")
            lines += block
            before = node
    return lines


def _block(node: SyntaxTreeNode, quoted: bool) -> list[str]:
    kind = node.type
    if kind == "paragraph":
        return _inline(node).split("\n")
    if kind == "heading":
        return _heading(node, quoted)
    if kind in {"bullet_list", "ordered_list"}:
        return _list(node, quoted)
    if kind == "blockquote":
        # A quote within a quote is one quote there: two marks would show as text.
        lines = _blocks(node, quoted=True)
        return lines if quoted else [f"> {line}".rstrip() for line in lines]
    if kind == "fence":
        return _code(node.content, node.info.split()[0] if node.info.strip() else "")
    if kind == "code_block":
        return _code(node.content)
    if kind == "table":
        return _code("\n".join(aligned(node, inline_text)))
    if kind == "html_block":
        return [line.strip() for line in without_tags(node.content).split("\n") if line.strip()]
    if kind == "footnote_reference":
        first, *rest = _blocks(node, quoted) or [""]
        return [f"-# {node.meta['label']}: {first}", *(f"-# {line}" for line in rest if line)]
    return []


def _heading(node: SyntaxTreeNode, quoted: bool) -> list[str]:
    level = int(node.tag[1:])
    words = " ".join(_inline(node).split("\n"))
    if level <= HEADINGS and not quoted:
        return [f"{'#' * level} {words}"]
    return [f"**{words.replace('**', '')}**"] if words else []


def _list(node: SyntaxTreeNode, quoted: bool) -> list[str]:
    number = int(node.attrs.get("start", 1))
    lines: list[str] = []
    for place, item in enumerate(node.children):
        mark = f"{number + place}. " if node.type == "ordered_list" else "- "
        first, *rest = _blocks(item, quoted) or [""]
        lines.append(f"{mark}{first}".rstrip())
        code = False
        for line in rest:
            # Spaces before a line of code would be shown as part of it.
            fence = line.startswith(_FENCE)
            lines.append(line if code or fence or not line else f"  {line}")
            code ^= fence
    return lines


def _code(content: str, language: str = "") -> list[str]:
    # A fence within would end the block; Discord knows no longer fences.
    inner = content.rstrip("\n").replace(_FENCE, "`\u200b`\u200b`")
    return [f"{_FENCE}{language}", *inner.split("\n"), _FENCE]


def _inline(node: SyntaxTreeNode) -> str:
    return "".join(_span(child) for child in node.children).strip()


def _span(node: SyntaxTreeNode) -> str:
    kind = node.type
    if kind == "text":
        return node.content
    if kind == "text_special":
        return f"\\{node.content}" if node.content in _SPECIAL else node.content
    if kind == "code_inline":
        return _code_span(node.content)
    if kind == "softbreak":
        return " "
    if kind == "hardbreak":
        return "\n"
    if kind == "html_inline":
        if "task-list-item-checkbox" in node.content:
            return "☑" if "checked" in node.content else "☐"
        return "\n" if node.content.startswith("<br") else ""
    if kind == "footnote_ref":
        return f"[{node.meta['label']}]"
    if kind == "image":
        return _link(node.content or "image", str(node.attrs.get("src", "")), auto=False)
    inner = "".join(_span(child) for child in node.children)
    if kind == "link":
        return _link(inner, str(node.attrs.get("href", "")), auto=node.info == "auto")
    mark = _MARKS.get(kind, "")
    return f"{mark}{inner}{mark}" if inner.strip() else inner


def _link(words: str, address: str, *, auto: bool) -> str:
    if auto:
        return f"<{address}>" if _WEB.fullmatch(address) else words
    if not _WEB.fullmatch(address):
        return words if not address or address in (words, f"mailto:{words}") else f"{words} ({address})"
    if words == address:
        return address
    return f"[{words}]({address.replace('(', '%28').replace(')', '%29')})"


def _code_span(content: str) -> str:
    longest = max((len(run) for run in _LONGEST_RUN.findall(content)), default=0)
    if longest == 0:
        return f"`{content}`"
    # Discord knows one and two backticks around a span.
    inner = content if longest == 1 else content.replace("``", "`\u200b`")
    return f"`` {inner} ``"
