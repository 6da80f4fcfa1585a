"""Emoji by what a reader sees as one: with skin tones, joined ones, flags and keycaps."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Characters that are shown as emoji without being asked to, of the part of Unicode where most are not.
_BASIC = (
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be"
    "\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757"
    "\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55"
)
_HIGH = (
    "\U0001f004\U0001f0cf\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f21a\U0001f22f\U0001f232-\U0001f236"
    "\U0001f238-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f3fa\U0001f400-\U0001f64f\U0001f680-\U0001f6ff"
    "\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f900-\U0001f9ff\U0001fa70-\U0001faff"
)
_TONE = "\U0001f3fb-\U0001f3ff"
_JOINED = f"(?:\u200d[^\\s\u200d](?:\ufe0f|[{_TONE}])*)*"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[0-9#*]\ufe0f?\u20e3"
    f"|(?:[{_BASIC}{_HIGH}](?!\ufe0e)\ufe0f?[{_TONE}]?|[\xa9\xae\u203c-\u3299]\ufe0f[{_TONE}]?"
    f"|[\u261d\u26f9\u270c\u270d][{_TONE}]|[{_TONE}])"
    f"[\U000e0020-\U000e007f]*{_JOINED}"
)
_HINT = re.compile(f"[\ufe0f\u20e3\U0001f1e6-\U0001f1ff\u261d\u26f9\u270c\u270d{_BASIC}{_HIGH}]")
_VARIES = re.compile(f"[\ufe0f{_TONE}]")


def emoji(text: str) -> Iterator[tuple[int, int]]:
    """Where each emoji stands."""
    if not text.isascii() and _HINT.search(text):
        for match in _EMOJI.finditer(text):
            yield match.span()


def plain(cluster: str) -> str:
    """An emoji without skin tone and without the sign that asks for it to be shown as one: what lists of them hold."""
    return _VARIES.sub("", cluster) or cluster
