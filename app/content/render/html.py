"""Markdown as HTML: the body of a page, and a page as a mail."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from app.content.render.parsing import clean

NESTED = 5
"""Variables that are made of variables are followed so far."""
_ROOT = re.compile(r":root\s*\{([^}]*)\}")
_VARIABLE = re.compile(r"(--[\w-]+)\s*:\s*([^;}]+)")
_USE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*([^()]*))?\)")
_NOT_SLUG = re.compile(r"[^\w]+")
_CLASSES: Mapping[str, set[str]] = {
    tag: {"class", "id"}
    for tag in ("a", "code", "div", "figure", "input", "li", "ol", "p", "pre", "section", "span", "sup", "ul")
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with the name that links lead to."""

    level: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Html:
    """The body of a page, and its headings in order."""

    body: str
    headings: tuple[Heading, ...]


def to_html(text: str, *, foreign: bool = False) -> Html:
    """The body of a Markdown text. `foreign` text loses everything that could run, load or restyle anything."""
    env: dict[str, Any] = {}
    tokens = _parser().parse(clean(text), env)
    headings: list[Heading] = []
    taken: set[str] = set()
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join(child.content for child in tokens[number + 1].children or () if child.type != "html_inline")
            name = unique(slug(words) or "section", taken)
            token.attrSet("id", name)
            headings.append(Heading(int(token.tag[1:]), name, words))
        elif style := str(token.attrs.get("style", "")) if token.type in {"th_open", "td_open"} else "":
            # A class, since a page decides over its styles, and foreign styles are taken out.
            del token.attrs["style"]
            token.attrSet("class", style.replace("text-align:", "align-"))
    body = _parser().renderer.render(tokens, _parser().options, env)
    return Html(sanitised(body) if foreign else body, tuple(headings))


def slug(words: str) -> str:
    """Words as a part of an address: lower case letters and digits of any script, joined by `-`."""
    folded = unicodedata.normalize("NFKC", words).casefold()
    return _NOT_SLUG.sub("-", folded).replace("_", "-").strip("-")


def unique(name: str, taken: set[str]) -> str:
    """`name`, with a number where it is taken; it is taken from then on."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    taken.add(found)
    return found


def sanitised(body: str) -> str:
    """HTML without scripts, frames, forms, styles, events and addresses that run something."""
    import nh3

    attributes = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag, names in _CLASSES.items():
        attributes[tag] = attributes.get(tag, set()) | names
    for tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        attributes[tag] = attributes.get(tag, set()) | {"id"}
    attributes["input"] = {"type", "checked", "disabled", "class"}
    tags = set(nh3.ALLOWED_TAGS) | {"section", "input"}
    return nh3.clean(body, tags=tags, attributes=attributes, link_rel="noopener noreferrer")


def for_mail(page: str) -> str:
    """A page with every rule of its style sheets written into the elements: mail programs read little else.

    The variables of its `:root` become their values (those of the light page). Nothing is fetched. Raises ValueError
    where the page's style cannot be read.
    """
    import css_inline

    inliner = css_inline.CSSInliner(
        load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True, extra_css=None
    )
    try:
        return inliner.inline(_without_variables(page))
    except css_inline.InlineError as error:
        raise ValueError(f"the page's style cannot be written into it: {error}") from None


def _without_variables(page: str) -> str:
    """The page with the values of the first `:root` where its variables are named."""
    found = _ROOT.search(page)
    values = dict(_VARIABLE.findall(found[1])) if found else {}
    for _ in range(NESTED):
        page, replaced = _USE.subn(lambda use: str(values.get(use[1], use[2] or use[0])).strip(), page)
        if not replaced or not _USE.search(page):
            break
    return page


@cache
def highlight_rules(prefix: str = ".highlight") -> str:
    """The rules that colour code: names of variables (`--code-keyword` …) that the page's style sheet defines."""
    kinds = {
        "keyword": ("k", "kc", "kd", "kn", "kp", "kr", "kt", "ow"),
        "string": ("s", "s1", "s2", "sa", "sb", "sc", "sd", "se", "sh", "si", "sr", "ss", "sx"),
        "number": ("m", "mb", "mf", "mh", "mi", "mo"),
        "comment": ("c", "c1", "ch", "cm", "cp", "cs"),
        "name": ("nf", "fm", "nc", "nd", "nt", "nb", "bp"),
        "added": ("gi",),
        "removed": ("gd",),
    }
    return "\n".join(
        f"{', '.join(f'{prefix} .{name}' for name in names)} {{ color: var(--code-{kind}); }}"
        for kind, names in kinds.items()
    )


@cache
def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"highlight": _highlighted}).enable(["table", "strikethrough"])
    return made.use(front_matter_plugin).use(footnote_plugin).use(tasklists_plugin)


def _highlighted(code: str, language: str, _: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        lexer = None
    inner = html.escape(code) if lexer is None else highlight(code, lexer, HtmlFormatter(nowrap=True))
    name = f' class="language-{html.escape(language, quote=True)}"' if language else ""
    return f'<pre class="highlight"><code{name}>{inner}</code></pre>\n'
