"""What of a block is prose. Everything else is masked, character for character, so that no rule sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from app.content.style.markdown import Block, Parser
from app.content.style.model import EVERY

PROTECTED = "\ufffc"
"""In the place of each character of code, addresses, tags and the like."""
MARK = "\ufdd0"
"""In the place of the marks of emphasis and links: the text reads on over them."""
BREAK = "\u2029"
"""In the place of tags that end a piece of text."""

DASHES = ("&mdash;", "&horbar;", "&#8212;", "&#8213;", "&#x2014;", "&#x2015;")
DOTS = ("&hellip;", "&mldr;", "&#8230;", "&#x2026;")

_INLINE = re.compile(r"[`<&\[\\*_~]|  \n")
_LITERAL_HINT = re.compile(r"[/@#<:\\]|\.(?=\w)|(?<!\S)-(?=[-\w])")
_SPACE = re.compile(r"\s")
_COMMAND = re.compile(r"</[^<>\n]{1,100}:\d+>")
_FORMULA = re.compile(r"\$\$[^$]{1,400}\$\$|(?<![\w$\\])\$(?![\s$])[^$\n]{0,200}(?<![\s\\$])\$(?![\w$])")
_LITERAL = re.compile(
    r"""
      [a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s<>\ufffc]*[^\s<>\ufffc.,;:!?'"*_~)\]}]          # addresses
    | (?<!\w)(?:www\.|mailto:)[^\s<>\ufffc]*[^\s<>\ufffc.,;:!?'"*_~)\]}]
    | (?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+                                         # e-mail
    | <(?:@[!&]?\d+|\#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?|id:\w+)>                             # Discord
    | (?<![\w/])@[\w][\w.-]*                                                              # mentions
    | (?<![\w&/])\#\w[\w-]*                                                               # tags and numbers
    | (?<![\w:]):[\w+-]+:(?![\w:])                                                        # :shortcode:
    | (?<!\w)[a-zA-Z]:\\[^\s<>]+                                                          # paths
    | (?<![\w/~.…@%+-])(?:[\w~.…@%+-]*/)+(?:(?:\.{3}|…)(?!\w)|[\w~.@%+-]*[\w~])?
    | (?<![\w.-])(?:[\w-]++\.)+[\w-]*\w                                                   # file.name, 1.2.3
    | (?<!\S)--?[a-zA-Z][\w-]*(?:=\S+)?                                                   # --option
    """,
    re.VERBOSE,
)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[a-zA-Z][\w:-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|<[!?][^<>]*>")
_CODE_TAGS = frozenset({"code", "pre", "kbd", "samp", "script", "style", "var", "tt", "textarea", "svg", "math"})
_PHRASE_TAGS = frozenset(
    {"a", "abbr", "b", "bdi", "cite", "del", "dfn", "em", "i", "ins", "mark", "q", "s", "small", "span", "strong"}
    | {"sub", "sup", "u"}
)
_SWITCH = re.compile(r"<!--\s{0,9}style:\s{0,9}(?P<way>off|on)\b(?P<rules>[^<>]{0,400}?)-->")
_JINJA = {"{{": "}}", "{%": "%}", "{#": "#}"}
_COMMENT = {"<!--": "-->"}
_KINDS = ("backticks", "link", "image", "autolink", "html_inline", "entity", "escape", "emphasis", "strikethrough")

Span = tuple[str, int, int]
Off = frozenset[str]
"""Names of rules that are switched off; `EVERY` for all."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A block's content as the rules see it."""

    text: str
    """As long as the content."""
    structure: tuple[str, ...]
    """Types of the tokens inside, runs of text counted as one."""
    protected: tuple[str, ...]
    off: tuple[tuple[int, int, Off], ...] = ()
    """Where rules are switched off."""
    after: Off = field(default_factory=frozenset)
    """What is still off at the end."""


def jinja(text: str) -> list[tuple[int, int]]:
    """Where the markers of Jinja stand; an opening one without its closing one is plain text."""
    return _paired(text, _JINJA)


def _paired(text: str, pairs: Mapping[str, str]) -> list[tuple[int, int]]:
    """From each opening text to the next closing one, in a time that grows only with the length."""
    found: list[tuple[int, int]] = []
    nearest = {opening: text.find(opening) for opening in pairs}
    while True:
        start, opening = min(((place, name) for name, place in nearest.items() if place >= 0), default=(-1, ""))
        if start < 0:
            return found
        end = text.find(pairs[opening], start + len(opening))
        if end < 0:
            nearest[opening] = -1
            continue
        end += len(pairs[opening])
        found.append((start, end))
        for name, place in nearest.items():
            if 0 <= place < end:
                nearest[name] = text.find(name, end)


def mask(block: Block, markers: Iterable[tuple[int, int]], references: dict[str, Any], off: Off) -> Masked:
    """Hide what is no prose. `markers` are Jinja's, in offsets of the content; `off` is switched off from before."""
    content = block.content
    structure: tuple[str, ...] = ()
    spans: list[Span] = []
    if block.kind == "html":
        spans = list(_html(content))
    elif block.kind == "title":
        structure = ()
    elif _INLINE.search(content):
        spans, structure = _inline(content, references)
    else:
        structure = ("text", *("softbreak", "text") * content.count("\n"))
    literal = list(_literal(content))
    if not spans and not markers and not off and not literal:
        return Masked(content, structure, ())
    characters = list(content)
    for start, end in literal:
        characters[start:end] = PROTECTED * (end - start)
    for kind, start, end in spans:
        characters[start:end] = kind * (end - start)
    for start, end in markers:
        characters[start:end] = PROTECTED * (end - start)
    switched, after = _switched(content, off)
    for start, end, rules in switched:
        if EVERY in rules:
            characters[start:end] = PROTECTED * (end - start)
    text = "".join(characters)
    protected = tuple(content[match.start() : match.end()] for match in re.finditer(f"[{PROTECTED}{BREAK}]+", text))
    return Masked(text, structure, protected, switched, after)


def _literal(content: str) -> Iterator[tuple[int, int]]:
    """Addresses, paths, mentions and their like, which only stand between spaces that have a sign of them; formulas."""
    done = 0
    for hint in _LITERAL_HINT.finditer(content):
        if hint.start() < done:
            continue
        start = hint.start()
        while start > done and not content[start - 1].isspace():
            start -= 1
        space = _SPACE.search(content, hint.start())
        done = space.start() if space else len(content)
        for match in _LITERAL.finditer(content, start, done):
            yield match.span()
    for sign, pattern in (("</", _COMMAND), ("$", _FORMULA)):
        if sign in content:
            for match in pattern.finditer(content):
                yield match.span()


def _switched(content: str, off: Off) -> tuple[tuple[tuple[int, int, Off], ...], Off]:
    """Where `<!-- style: off -->` and `on` hold, and what is off after them."""
    ranges = []
    start = 0
    for match in _SWITCH.finditer(content) if "<!--" in content else ():
        if off:
            ranges.append((start, match.start(), off))
        start = match.end()
        rules = frozenset(re.findall(r"[\w.-]+", match["rules"])) or frozenset({EVERY})
        off = off | rules if match["way"] == "off" else off - (off if EVERY in rules else rules)
    if off:
        ranges.append((start, len(content), off))
    return tuple(ranges), off


def _html(content: str) -> Iterable[Span]:
    """Tags, comments, and what stands in elements of code."""
    characters = list(content)
    for start, end in _paired(content, _COMMENT):
        yield MARK, start, end
        characters[start:end] = " " * (end - start)
    at, inside = 0, ""
    for match in _TAG.finditer("".join(characters)):
        name = (match["name"] or "").lower()
        if inside:
            if match["close"] and name == inside:
                yield PROTECTED, at, match.end()
                inside = ""
        elif not match["close"] and name in _CODE_TAGS:
            at, inside = match.start(), name
        else:
            yield MARK if name in _PHRASE_TAGS else BREAK, match.start(), match.end()
    if inside:
        yield PROTECTED, at, len(content)


class _Recording(Parser):
    """Keeps where each inline rule has found something; tokens themselves do not say."""

    def __init__(self) -> None:
        super().__init__("commonmark")
        self.enable(["table", "strikethrough"])
        self.found: list[Span] = []
        self.base = 0
        rules = dict(zip(self.inline.ruler.get_active_rules(), self.inline.ruler.getRules(""), strict=True))
        for name in _KINDS:
            self.inline.ruler.at(name, self._recorded(name, rules[name]))

    def _recorded(self, name: str, rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
        def recorded(state: StateInline, silent: bool) -> bool:
            if silent:
                return rule(state, silent)
            start, tokens = state.pos, len(state.tokens)
            base = self.base
            self.base = base + start + 2 if name == "image" else base
            matched = rule(state, silent)
            self.base = base
            if matched and (name != "backticks" or len(state.tokens) > tokens):
                if name in ("link", "image"):
                    self._link(state, start, state.pos, 1 if name == "link" else 2)
                else:
                    self.found.append((name, base + start, base + state.pos))
            return matched

        return recorded

    def _link(self, state: StateInline, start: int, end: int, opening: int) -> None:
        """The label is prose, unless it is the name of the reference as well."""
        closing = state.md.helpers.parseLinkLabel(state, start + opening - 1, opening == 1)
        named = closing < 0 or end == closing + 1 or state.src[closing + 1 : end] == "[]"
        spans = [(0, end - start)] if named else [(0, opening), (closing - start, end - start)]
        for first, last in spans:
            self.found.append(("name" if named else "link", self.base + start + first, self.base + start + last))


@cache
def _recording() -> _Recording:
    return _Recording()


def _inline(content: str, references: dict[str, Any]) -> tuple[list[Span], tuple[str, ...]]:
    parser = _recording()
    parser.found, parser.base = [], 0
    tokens: list[Token] = []
    parser.inline.parse(content, parser, {"references": references}, tokens)
    # What is inside is found before what is around it, and must not be uncovered by it.
    spans = [(kind, start, end) for name, start, end in parser.found if (kind := _kind(name, content, start, end))]
    spans.sort(key=lambda span: span[0] != MARK)
    spans += _code_elements(content, [(start, end) for name, start, end in parser.found if name == "html_inline"])
    return spans, tuple(_types(tokens))


def _kind(name: str, content: str, start: int, end: int) -> str:
    """What takes the place of a span's characters; empty for what stays."""
    if name == "emphasis":
        # Within a word an underscore is a letter like any other.
        inner = content[start] == "_" and start > 0 and end < len(content)
        return "" if inner and content[start - 1].isalnum() and content[end].isalnum() else MARK
    if name in ("link", "strikethrough"):
        return MARK
    if name == "entity":
        text = content[start:end].lower()
        return "" if text in DASHES or text in DOTS else PROTECTED
    if name == "html_inline":
        match = _TAG.fullmatch(content, start, end)
        tag = (match["name"] or "").lower() if match else ""
        return MARK if tag in _PHRASE_TAGS or content.startswith("<!--", start) else BREAK
    return PROTECTED


def _code_elements(content: str, tags: list[tuple[int, int]]) -> Iterable[Span]:
    at, inside = 0, ""
    for start, end in tags:
        match = _TAG.fullmatch(content, start, end)
        name = (match["name"] or "").lower() if match else ""
        if inside and match and match["close"] and name == inside:
            yield PROTECTED, at, end
            inside = ""
        elif not inside and match and not match["close"] and name in _CODE_TAGS:
            at, inside = start, name
    if inside:
        yield PROTECTED, at, len(content)


def _types(tokens: list[Token]) -> Iterable[str]:
    before = ""
    for token in tokens:
        name = "text" if token.type == "text_special" else token.type
        if name == "text" and (before == "text" or not token.content):
            continue
        before = name
        yield name
