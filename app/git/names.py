"""Names of branches: what git allows, what the rules ask for, and which names cannot live side by side.

Standard library only, as the hooks import it. Names are short (`feature/x`); bytes that are not UTF-8 come as
surrogates and are compared as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    class NamingRules(Protocol):
        """The part of `app.git.model.Rules` that is about names."""

        @property
        def pattern(self) -> str: ...
        @property
        def examples(self) -> tuple[str, ...]: ...
        @property
        def protected(self) -> tuple[str, ...]: ...
        @property
        def exempt(self) -> tuple[str, ...]: ...


HEADS = "refs/heads/"

# Compiled where they are used: a hook starts with every push, and hardly ever needs one of them.
_FORBIDDEN = r"[\x00-\x20\x7f~^:?*\[\\]"
_FIELD = r"\{([A-Za-z_]\w*)\}"
_ALTERNATIVES = r"\(\?P<\w+>([\w.+-]+(?:\|[\w.+-]+)*)\)"
_SEPARATORS = "/-_."


class Clash(NamedTuple):
    """Two names that cannot both be branches everywhere."""

    name: str
    other: str
    kind: Literal["same", "case", "folder"]
    """`same`: the very name. `case`: they differ in case or in the composition of accents only, as a whole or in a
    folder, so that file systems that fold names lose one. `folder`: one would be a folder of the other."""

    @property
    def why(self) -> str:
        """The clash in words."""
        if self.kind == "same":
            return f"{self.other} is there already"
        if self.kind == "case" and self.folders:
            there = self.folders[1]
            return f"{self.other} is in {there}/, written almost the same: where file names ignore case, both are one"
        if self.kind == "case":
            return f"{self.other} is written almost the same: where file names ignore case, one of the two is lost"
        return f"{self.other} is there, and git cannot hold a branch and a folder of branches of one name"

    @property
    def folders(self) -> tuple[str, str] | None:
        """The folders of both that are written almost the same; None where not folders are in each other's way."""
        mine, theirs = self.name.split("/"), self.other.split("/")
        at = next((n for n, (left, right) in enumerate(zip(mine, theirs, strict=False)) if left != right), None)
        if self.kind != "case" or at is None or at >= min(len(mine), len(theirs)) - 1:
            return None
        return "/".join(mine[: at + 1]), "/".join(theirs[: at + 1])


def ref_problem(name: str) -> str:
    """Why git would not take this as the name of a branch; empty when it does (`git check-ref-format --branch`).

    `@` alone, which git takes and then reads as HEAD, is refused too.
    """
    if not name:
        return "it is empty"
    if name.startswith("-"):
        return "it begins with -"
    if name in ("HEAD", "@"):
        return f"{name} is a name of git's own"
    bad = re.search(_FORBIDDEN, name)
    if bad:
        return f"it holds {_character(bad[0])}"
    for part, why in (("..", "it holds .."), ("@{", "it holds @{"), ("//", "it has an empty part")):
        if part in name:
            return why
    if name.startswith("/") or name.endswith("/"):
        return "it has an empty part"
    if name.endswith("."):
        return "it ends with ."
    for part in name.split("/"):
        if part.startswith("."):
            return "a part of it begins with ."
        if part.endswith(".lock"):
            return "a part of it ends with .lock"
    return ""


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs fits the whole name. `*` and `?` stop at `/`, `**` does not."""
    return any(_glob(pattern).fullmatch(name) for pattern in globs)


def is_protected(name: str, rules: NamingRules, *default_branches: str | None) -> bool:
    """Whether a branch is neither to be deleted nor overwritten: named by the rules, or a default branch."""
    return name in default_branches or matches(name, rules.protected)


def name_problem(name: str, rules: NamingRules, *default_branches: str | None) -> str:
    """Why the name is not as `[git.naming]` asks; empty when it is, and for branches that need not follow it."""
    if not rules.pattern or is_protected(name, rules, *default_branches) or matches(name, rules.exempt):
        return ""
    try:
        if _compiled(rules.pattern).fullmatch(name):
            return ""
    except re.error:
        return ""
    like = f"; right would be {rules.examples[0]}" if rules.examples else f"; the pattern is {rules.pattern}"
    return f"the name does not follow the rule{like}"


def parts(name: str, rules: NamingRules) -> dict[str, str]:
    """The named parts of a name that follows the rule; empty for others."""
    try:
        match = _compiled(rules.pattern).fullmatch(name) if rules.pattern else None
    except re.error:
        return {}
    return {key: value for key, value in match.groupdict().items() if value} if match else {}


def template_fields(template: str) -> tuple[str, ...]:
    """The parts that a template such as `{kind}/{ticket}-{words}` asks for, in order.

    Raises ValueError for braces that hold no name.
    """
    if "{" in re.sub(_FIELD, "", template) or "}" in re.sub(_FIELD, "", template):
        raise ValueError("braces hold the name of a part, as in {kind}/{words}")
    return tuple(dict.fromkeys(re.findall(_FIELD, template)))


def build(template: str, values: Mapping[str, str]) -> str:
    """The name that a template makes of these parts. What is missing or empty goes, with the separator beside it.

    Words are put in lower case and joined with `-`. The result is not checked; see `ref_problem` and `name_problem`.
    """
    pieces: list[str] = []
    missing = False
    for index, piece in enumerate(re.split(_FIELD, template)):
        if index % 2:
            value = slug(values.get(piece, ""))
            if value:
                pieces.append(value)
            missing = not value
        else:
            cut = piece[1:] if missing and piece[:1] and piece[0] in _SEPARATORS else piece
            pieces.append(cut)
            missing = False
    return "".join(pieces).strip(_SEPARATORS)


def slug(text: str) -> str:
    """Free text as a part of a name: lower case, words joined with `-`, nothing that git forbids. `/` is kept."""
    folded = unicodedata.normalize("NFC", text).strip()
    kept = "".join(
        character if character.isalnum() or character in "/.+#@" or unicodedata.category(character)[0] == "M" else "-"
        for character in folded.lower()
    )
    joined = re.sub(r"-*/[-./]*", "/", re.sub(r"-{2,}", "-", kept)).replace("@{", "")
    joined = re.sub(r"\.{2,}", ".", joined).strip(_SEPARATORS + "@")
    while joined.endswith(".lock"):
        joined = joined.removesuffix(".lock").rstrip(_SEPARATORS)
    return joined


def suggestion(name: str, rules: NamingRules, taken: Collection[str] = ()) -> str:
    """A right name made of a wrong one; empty when none can be guessed. Clashes with no name in `taken`."""
    plain = slug(name)
    if not plain:
        return ""
    head, _, rest = plain.partition("/")
    tail = plain.rpartition("/")[2]
    prefixes = list(dict.fromkeys(_prefixes(rules)))
    near = [prefix for prefix in prefixes if prefix.startswith(head[:3]) or head.startswith(prefix[:3])]
    near += [prefix for prefix in prefixes if prefix in head]
    words = [
        rest or plain,
        (rest or plain).replace("/", "-"),
        plain.replace("/", "-"),
        tail,
        re.sub(r"[^a-z0-9-]+", "-", tail).strip("-"),
    ]
    candidates = [plain, *(f"{prefix}/{word}" for prefix in near for word in words)]
    candidates += [f"{prefix}/{word}" for prefix in prefixes for word in words[2:]]
    for candidate in dict.fromkeys(candidates):
        if candidate != name and not ref_problem(candidate) and not name_problem(candidate, rules):
            free = free_name(candidate, [other for other in taken if other != name])
            if free and not name_problem(free, rules):
                return free
    return ""


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or the first of `name-2`, `name-3`… that clashes with none of those taken.

    Empty where no number helps: when it is a folder of the name that clashes.
    """
    near = [clash.other for clash in clashes(name, taken)]
    if not near:
        return name
    # No branch ends with NUL, so what still clashes then does so for its folders.
    if any(clash_of(f"{name}\0", other) for other in near):
        return ""
    number = 2
    while clashes(f"{name}-{number}", taken):
        number += 1
    return f"{name}-{number}"


def fold(text: str) -> str:
    """What file systems that ignore case and composition of accents make of a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def clashes(name: str, others: Iterable[str]) -> list[Clash]:
    """The names that this one cannot live beside. An `other` that is the very same name counts."""
    return [clash for other in others if (clash := clash_of(name, other))]


def clash_of(name: str, other: str) -> Clash | None:
    """How two names are in each other's way, if they are."""
    if name == other:
        return Clash(name, other, "same")
    mine, theirs = name.split("/"), other.split("/")
    for index, (left, right) in enumerate(zip(mine, theirs, strict=False)):
        if left != right:
            if fold(left) != fold(right):
                return None
            if index < min(len(mine), len(theirs)) - 1 or len(mine) == len(theirs):
                return Clash(name, other, "case")
            return Clash(name, other, "folder")
    return Clash(name, other, "folder")


def all_clashes(names: Iterable[str]) -> list[Clash]:
    """Every name that clashes with one before it, in sorted order: one clash for each. Linear in the names."""
    found: list[Clash] = []
    spelling: dict[str, tuple[str, str, bool]] = {}
    """By folded path: how the path was first written, the first name below or at it, and whether it is a branch."""
    for name in sorted(set(names)):
        path, clash = "", None
        pieces = name.split("/")
        for index, piece in enumerate(pieces):
            path = f"{path}/{piece}" if path else piece
            leaf = index == len(pieces) - 1
            known = spelling.setdefault(fold(path), (path, name, leaf))
            if clash is None and known[1] != name and (known[0] != path or leaf or known[2]):
                clash = clash_of(name, known[1])
        if clash:
            found.append(clash)
    return found


def clashes_to_tell(names: Collection[str]) -> list[Clash]:
    """`all_clashes`, but one for two folders that are in each other's way, however many branches they hold.

    Its `name` is the first branch of the folder that holds fewer: that is the one to be renamed.
    """
    found: dict[str, Clash] = {}
    paired: set[tuple[str, str]] = set()
    for clash in all_clashes(names):
        folders = clash.folders
        if folders is None:
            found[clash.name] = clash
        elif folders not in paired:
            paired.add(folders)
            below = [sorted(name for name in names if name.startswith(f"{folder}/")) for folder in folders]
            fewer, more = sorted(below, key=len)
            found[fewer[0]] = Clash(fewer[0], more[0], "case")
            # Behind the clash of the folders there may be others, of names within one of them.
            inner = (each for group in below for each in clashes_to_tell(group))
            found.update({each.name: each for each in inner if each.name not in found})
    return list(found.values())


def _prefixes(rules: NamingRules) -> Iterable[str]:
    """What names may begin with: the alternatives of the pattern's first part, and the folders of the examples."""
    match = re.search(_ALTERNATIVES, rules.pattern)
    if match and match.start() <= 1:
        yield from match[1].split("|")
    for example in rules.examples:
        head, separator, _ = example.partition("/")
        if separator:
            yield head


def _character(text: str) -> str:
    return "a space" if text == " " else f"the character {text}" if text.isprintable() else f"\\x{ord(text):02x}"


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    out, index = "", 0
    while index < len(pattern):
        character = pattern[index]
        closing = pattern.find("]", index + 2) if character == "[" else -1
        if pattern.startswith("**", index):
            out, index = out + ".*", index + 2
            continue
        if character == "[" and closing > 0:
            inside = pattern[index + 1 : closing].replace("\\", "\\\\").replace("[", "\\[")
            out += f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
            index = closing + 1
            continue
        out += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
        index += 1
    try:
        return re.compile(out, re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))
