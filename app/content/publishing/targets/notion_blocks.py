"""Markdown as Notion's blocks, within the limits of one request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it.tree import SyntaxTreeNode

from app.content.render.parsing import tree
from app.content.render.table import aligned
from app.content.render.text import inline_text, without_tags

CONTENT = 2000
"""Characters of one run of text, and of an address."""
RUNS = 100
"""Runs of text in one block, and blocks in one list."""
_KNOWN = (
    "bash c c++ c# css diff docker go graphql html java javascript json kotlin latex lua makefile markdown php "
    "powershell python r ruby rust scala shell sql swift toml typescript xml yaml"
)
_LANGUAGES = frozenset(_KNOWN.split(" "))
_SHORT = {"py": "python", "js": "javascript", "ts": "typescript", "sh": "shell", "yml": "yaml", "cpp": "c++"}
_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}

Block = dict[str, Any]


def blocks_of(text: str) -> list[Block]:
    """The blocks of a text. Lists within lists are indented no deeper than one request may be."""
    return [block for node in tree(text).children for block in _blocks(node, 0)]


def pieces(blocks: Sequence[Block], most: int) -> list[list[Block]]:
    """Blocks in as few requests as may be."""
    return [list(blocks[start : start + most]) for start in range(0, len(blocks), most)]


def _blocks(node: SyntaxTreeNode, depth: int) -> Iterator[Block]:
    kind = node.type
    if kind == "paragraph":
        yield from _texts("paragraph", _runs(node))
    elif kind == "heading":
        yield from _texts(f"heading_{min(3, int(node.tag[1:]))}", _runs(node))
    elif kind in ("bullet_list", "ordered_list"):
        for item in node.children:
            yield from _item(item, "bulleted_list_item" if kind == "bullet_list" else "numbered_list_item", depth)
    elif kind == "blockquote":
        runs = [run for child in node.children for run in (*_runs(child), _run("\n"))][:-1]
        yield from _texts("quote", runs)
    elif kind in ("fence", "code_block"):
        language = node.info.split()[0].lower() if kind == "fence" and node.info.strip() else ""
        yield from _code(node.content.rstrip("\n"), language)
    elif kind == "table":
        yield from _code("\n".join(aligned(node, inline_text)), "")
    elif kind == "hr":
        yield {"object": "block", "type": "divider", "divider": {}}
    elif kind == "html_block":
        if words := without_tags(node.content):
            yield from _texts("paragraph", [_run(words)])
    elif node.children and kind != "front_matter":
        for child in node.children:
            yield from _blocks(child, depth)


def _item(item: SyntaxTreeNode, kind: str, depth: int) -> Iterator[Block]:
    rest = list(item.children)
    runs = _runs(rest.pop(0)) if rest and rest[0].type == "paragraph" else []
    made = list(_texts(kind, runs or [_run(" ")]))
    inner = [block for child in rest for block in _blocks(child, depth + 1)]
    yield from made[:-1]
    if inner and depth < 1 and len(inner) <= RUNS:
        last = made[-1]
        yield {**last, kind: {**last[kind], "children": inner}}
    else:
        # Deeper than one request may be: they follow at this level.
        yield made[-1]
        yield from inner


def _texts(kind: str, runs: list[Block], **more: Any) -> Iterator[Block]:
    """One block, or several where it has more runs than one may have."""
    for start in range(0, len(runs), RUNS):
        yield {"object": "block", "type": kind, kind: {"rich_text": runs[start : start + RUNS], **more}}


def _code(content: str, language: str) -> Iterator[Block]:
    known = _SHORT.get(language, language)
    runs = [_run(content[start : start + CONTENT]) for start in range(0, len(content), CONTENT)] or [_run(" ")]
    yield from _texts("code", runs, language=known if known in _LANGUAGES else "plain text")


def _runs(node: SyntaxTreeNode, marks: frozenset[str] = frozenset(), link: str = "") -> list[Block]:
    found: list[Block] = []
    for child in node.children:
        if child.type in _MARKS:
            found += _runs(child, marks | {_MARKS[child.type]}, link)
        elif child.type == "link":
            found += _runs(child, marks, str(child.attrs.get("href", "")))
        elif child.type == "image":
            found += _cut(child.content or "image", marks, str(child.attrs.get("src", "")))
        elif child.type == "code_inline":
            found += _cut(child.content, marks | {"code"}, link)
        elif child.children:
            found += _runs(child, marks, link)
        elif words := inline_text(child):
            found += _cut(words, marks, link)
    return found


def _cut(words: str, marks: frozenset[str], link: str) -> list[Block]:
    return [_run(words[start : start + CONTENT], marks, link) for start in range(0, len(words), CONTENT)]


def _run(words: str, marks: frozenset[str] = frozenset(), link: str = "") -> Block:
    text: Block = {"content": words}
    if link.startswith(("https://", "http://")) and len(link) <= CONTENT:
        text["link"] = {"url": link}
    run: Block = {"type": "text", "text": text}
    if marks:
        run["annotations"] = dict.fromkeys(sorted(marks), True)
    return run
