"""The signs by which the part of a dash is told: ranges, labels, letters, who said it, and what is rather a command."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.content.style.clauses import is_joining, is_subject
from app.content.style.prose import Hit, Prose, widened, word_set, words_of
from app.content.style.spans import BREAK, MARK, PROTECTED

EM = "[—―⸺⸻]+|&(?i:mdash|horbar|#8212|#8213|#x201[45]);"
CLOSING = "\"'”’)]}»"
LABEL = 5
"""Words of a label that is not marked as one."""
_SPACES = " \t\n\u00a0\u2009\u202f"
_OPENING = "\"'“‘„«([{"
_STOPS = ".,;:!?…"
_UNIT = r"\s?(?:[%‰€$£¥]|°[CF]?|[kKMGT]i?B|ms|min|px|km|kg|cm|mm|[smhdgkKMB])"
_UP_TO = re.compile(rf"(?P<figure>[\w.:/-]*\d)(?P<unit>{_UNIT})?\Z")
_FROM = re.compile(rf"(?P<figure>[$€£¥~v]?\d(?:[\w.:/-]*\d)?)(?P<unit>{_UNIT}(?!\w))?")
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d)?")
_VERSION = re.compile(r"v\d[\d.]*|\d+(?:\.\d+){2,}")
_NUMBERED = re.compile(r"\w+ \d+(?:\.\d+)*\Z")
_DATED = re.compile(
    r"(?:\d{4}-\d\d(?:-\d\d)?|\d{1,2}:\d\d(?::\d\d)?|\d{1,2}\.? [^\W\d_]{3,9}\.?(?: \d{4})?"
    r"|[^\W\d_]{3,9} \d{1,2}, \d{4}|v?\d+(?:\.\d+)+)\Z"
)
_TIMES = (
    r"jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
    r"|mon(?:days?|tags?)?|tue(?:s(?:days?)?)?|dienstags?|wed(?:nesdays?)?|mittwochs?|thu(?:r(?:s(?:days?)?)?)?|donnerstags?"
    r"|fri(?:days?)?|freitags?|sat(?:urdays?)?|samstags?|sun(?:days?)?|sonntags?"
)
_FIRST = frozenset("$€£¥~vjfmasondtw")
"""What a figure, a month or a day of the week can begin with."""
_NAMED_TO = re.compile(rf"\b(?:{_TIMES})\.?\Z", re.IGNORECASE)
_NAMED_FROM = re.compile(rf"(?:{_TIMES})\b", re.IGNORECASE)
_PROGRAM = re.compile(r"\b(?:git|npm|npx|cargo|docker|kubectl|ssh|sudo|make|uv|pip|pytest|qd|bash|sh|rm|cp|mv|grep)\b")
_CODE = re.compile(r"(?<![^\s\"'(])--?[a-zA-Z]|[=<>{}$|\\]")
_QUOTE = re.compile("[\"'“„«‘]")
_CLOSERS, _ENDS = frozenset("\"”“’'»"), frozenset(".!?…")
_ANY_QUOTE = re.compile('["“”„«»]')
_NAME = re.compile(r"(?:[^\W\d_a-z][\w.’'-]*|[IVX]+|of|the|von|van|de|da|di|der|la|le|and|&)(?:[ ,]+|\Z)")
_REGARDS = re.compile(
    r"(?:with )?(?:(?:all the|all|my|kind|best|warm|many|with) )*"
    r"(?:best|regards|wishes|yours|cheers|thanks|thank you|love|sincerely|truly)(?: truly| sincerely)?",
    re.IGNORECASE,
)
_LONGEST_GREETING = 60
_GREETING = re.compile(r"(?:dear|hi|hello|hey|lieber?|liebe|hallo) \w+(?: \w+)?", re.IGNORECASE)
_SPOKEN_OF = word_set(
    """
    the a an this that each every no any use pass with without after before by add put type write give as of and or to
    in option separator sign argument arguments flag
    """
)
"""Before `--` these tell that it is spoken of, or is part of a command."""
_ARTICLES = frozenset({"the", "a", "an", "each", "every"})
_DETERMINERS = _ARTICLES | {"this", "that", "our", "my", "your", "its", "their"}
_INTERJECTIONS = word_set(
    """
    yes no maybe perhaps never always sometimes sure ok okay well oh ah please sorry none
    """
)
_DOING = word_set(
    """
    add added adds allow allowed allows avoid avoids bump bumped change changed changes clean cleaned create created
    deprecate deprecated disable disabled document documented drop dropped enable enabled ensure extend extended fix
    fixed fixes handle handled implement implemented improve improved improves include included introduce introduced
    make made merge merged move moved prevent prevents refactor refactored release released remove removed removes
    rename renamed replace replaced restore restored revert reverted rework reworked rewrite rewrote rewritten show
    shows simplify simplified speed split support supported supports switch switched test tested try tried update
    updated updates upgrade upgraded use used uses write wrote
    """
)
"""With one of these a list of changes begins, and no label of several words."""


@dataclass(frozen=True, slots=True)
class Dash:
    """One dash: the space around it belongs to it."""

    start: int
    end: int
    pre: str
    post: str
    sign: str
    inner: bool = False
    """Emphasis ends behind it, and a space follows that: `**Note —** this`."""

    @property
    def gap(self) -> str:
        """What parts the words when the dash is gone: the line end where there is one, else a space."""
        return "" if self.inner else _broken(self.pre) + _broken(self.post) or " "


def _broken(space: str) -> str:
    if "\n" not in space:
        return ""
    return space if space.startswith("  ") else space[space.index("\n") :]


def dash_at(match: re.Match[str], text: str) -> Dash | None:
    """The dash that was found, unless it is one of the en dashes and hyphens that are none between thoughts."""
    sign = match.group()
    if not match["em"] and not text[max(0, match.start() - 1) : match.start()].isspace():
        return None
    start, end = widened(text, *match.span(), _SPACES)
    pre, post = text[start : match.start()], text[match.end() : end]
    if sign.startswith("-") and "\n" in pre and "\n" in post:
        # A line of its own: what stands above a signature.
        return None
    if sign == "–":
        before, after = text[max(0, start - 12) : start], text[end : end + 12]
        if before[-1:].isdigit() or after[:1].isdigit() or _is_from_time(before, after):
            return None
    inner = not post and bool(re.match(rf"{MARK}+(?:\s|\Z)", text[end : end + 8]))
    return Dash(start, end, pre, post, sign, inner)


def _is_from_time(before: str, after: str) -> bool:
    """From one month or day of the week to another."""
    return bool(_NAMED_TO.search(before) and _NAMED_FROM.match(after))


def from_to(dash: Dash, prose: Prose) -> Hit | None:
    """A dash from one figure to another, or one day. With spaces around it that is not sure."""
    following = prose.content[dash.end : dash.end + 1]
    if not (following.isdigit() or following.lower() in _FIRST) or "\n" in dash.pre + dash.post:
        return None
    before, after = prose.content[max(0, dash.start - 30) : dash.start], prose.content[dash.end : dash.end + 30]
    spaced = bool(dash.pre or dash.post)
    first, second = _UP_TO.search(before), _FROM.match(after)
    if first and second:
        unit = (first["unit"] or "").strip()
        if unit and unit != (second["unit"] or "").strip():
            return None
        if _shape(first["figure"]) != _shape(second["figure"]):
            # `2.4.0 — 2026-11-21`
            return None
    elif not _is_from_time(before, after) or dash.sign.startswith("-"):
        return None
    return Hit(dash.start, dash.end, "suggest" if spaced else "safe", "–")


def _shape(figure: str) -> str:
    return "date" if _DATE.fullmatch(figure) else "version" if _VERSION.fullmatch(figure) else "number"


def is_shown(dash: Dash, text: str) -> bool:
    """Whether it is spoken of: `the em dash (—)`."""
    before, after = text[max(0, dash.start - 1) : dash.start], text[dash.end : dash.end + 1]
    return not dash.pre + dash.post and before in tuple(_OPENING) and after in tuple(CLOSING)


def is_command(dash: Dash, prose: Prose) -> bool:
    """`git checkout -- file`, written as if it were prose."""
    return dash.sign.startswith("-") and bool(_PROGRAM.search(prose.text, max(0, dash.start - 400), dash.start))


def is_doubtful(dash: Dash, prose: Prose) -> bool:
    """Whether it may be no dash between thoughts at all."""
    before = words_of(prose.text[max(0, dash.start - 24) : dash.start])
    after = words_of(prose.text[dash.end : dash.end + 24])
    last = before[-1].lower() if before else ""
    if not dash.sign.startswith("-"):
        # `the — sign`; `x – y`, which may be a difference.
        single = len(last) == 1 and bool(after) and len(after[0]) == 1
        return (dash.pre != "" and last in _ARTICLES) or (single and last != "i" and PROTECTED not in last + after[0])
    near = prose.content[max(0, dash.start - 100) : dash.start], prose.content[dash.end : dash.end + 100]
    return is_command(dash, prose) or last in _SPOKEN_OF or any(_CODE.search(text) for text in near)


def is_label(prose: Prose, found: list[Dash]) -> bool:
    """Whether what comes before the first dash is a label: `Name — text`."""
    dash = found[0]
    before, after = prose.text[: dash.start], prose.text[dash.end :]
    words = words_of(before)
    bare = before.strip().strip(MARK)
    following = words_of(after.lstrip(MARK)[:60])
    if not words or not after.strip() or not after.strip(MARK) or bare[-1:] in (*_STOPS, ""):
        return False
    if _DATED.match(prose.content[: dash.start].strip()) and not after[:1].isdigit():
        return not is_doubtful(dash, prose)
    if re.search(rf"[.!?;:,]\s|{BREAK}", before) or is_command(dash, prose):
        return False
    first, last = before.strip()[:1] == MARK, before.strip()[-1:] == MARK or dash.inner
    if (first and last and MARK not in bare) or not bare.strip(PROTECTED):
        return True
    if _NUMBERED.match(prose.content[: dash.start]):
        return True
    if is_doubtful(dash, prose) or (following and is_joining(following[0])):
        return False
    if prose.block.kind in ("heading", "title"):
        return len(found) == 1 and not attribution(dash, prose)
    lead = words[0].lower()
    if lead in _DETERMINERS and len(found) > 1:
        # `- The parser — rewritten — is fast`
        return False
    if lead in _INTERJECTIONS or (len(words) > 1 and lead in _DOING):
        return False
    return (prose.block.item or prose.block.kind == "cell") and len(words) <= LABEL and not is_subject(words)


def attribution(dash: Dash, prose: Prose) -> Hit | None:
    """Who said what stands before in quotation marks or a quoted block, `"…" — Name`: the name goes into brackets."""
    last = prose.text[max(0, dash.start - 8) : dash.start].rstrip(MARK)[-1:]
    stopped = prose.block.quoted and last in _ENDS
    if not stopped and last not in _CLOSERS:
        return None
    before = prose.text[: dash.start].strip(f" {MARK}")
    name = prose.text[dash.end :].rstrip()
    if "\n" in dash.pre + dash.post + name or not before or not 0 < len(words_of(name)) <= 6:
        return None
    if not stopped and not (_QUOTE.match(before) and (prose.block.quoted or not _QUOTE.search(before[1:-1]))):
        return None
    bare = name.rstrip(".")
    if not re.fullmatch(rf"(?:{_NAME.pattern})+", bare) or not prose.bare(dash.start, len(prose.text)):
        return None
    return Hit(dash.start, dash.end + len(bare), "suggest", f" ({bare})")


def is_letter(dash: Dash, prose: Prose) -> bool:
    """Whether it ends the greeting of a letter, or stands before the name below it."""
    if dash.start > _LONGEST_GREETING or len(prose.text) - dash.end > _LONGEST_GREETING:
        return False
    before, name = prose.text[: dash.start].strip(), prose.text[dash.end :].strip()
    if not name:
        return bool(_GREETING.fullmatch(before))
    return bool(_REGARDS.fullmatch(before) and re.fullmatch(rf"(?:{_NAME.pattern}){{1,3}}", name))


def unclosed(text: str) -> bool:
    """Whether a quotation begins in the text that does not end in it."""
    found = list(_ANY_QUOTE.finditer(text))
    if not found:
        return False
    last = found[-1]
    if last[0] == '"':
        return (
            text[last.start() - 1 : last.start()].strip(f"{MARK}([") == ""
            and not text[last.end() : last.end() + 1].isspace()
        )
    return last[0] in "„«" or (last[0] == "“" and "„" not in text[: last.start()])
