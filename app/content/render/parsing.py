"""Drafts' Markdown as a tree."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin


@cache
def parser() -> MarkdownIt:
    """CommonMark with GitHub's tables, strikethrough and task lists, footnotes, and front matter."""
    made = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    made.use(front_matter_plugin).use(footnote_plugin).use(tasklists_plugin)
    # Footnotes stay where they were written, escapes are told from the characters that they stand for.
    return made.disable(["footnote_tail", "text_join"])


def tree(text: str) -> SyntaxTreeNode:
    """The document of a Markdown text. NUL and lone surrogates are replaced by the replacement character."""
    return SyntaxTreeNode(parser().parse(clean(text)))


def clean(text: str) -> str:
    """The text without what no place takes: NUL and halves of characters become the replacement character."""
    return text.replace("\0", "�").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
