"""What is sent for each action: a system prompt, the context, and what is asked.

The words stand in `templates/prompts/`; files of the same names in the folder `prompts` of the user's templates replace
them. A place is a name in double braces; what is filled in is never looked at again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.content.ai.model import Action, Prompt
from app.content.style.model import Finding, Options
from app.errors import UserError

FOLDER = "prompts"
SAMPLE, SAMPLES = 3000, 9000
"""Characters of one file that shows the author's voice, and of all."""
AROUND = 12_000
"""Characters of the text around a selection."""
FACTS = 40_000
"""Characters of a source of the context."""
FINDINGS = 40
_PLACE = re.compile(r"\{\{ ?([a-z]+) ?\}\}")
_FRONT = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n\s*|\Z)", re.MULTILINE | re.DOTALL)
_INPLACE: frozenset[Action] = frozenset({"draft", "rewrite", "shorten", "tone"})


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with a text, whose lines end with `\\n`.

    `selection` is a range of its characters, from 0, the end exclusive; None is all of it below the front matter.
    `wish` is what the author asks for besides, `facts` the context of a draft by source. `local` texts are sent to no
    other machine.
    """

    action: Action
    text: str
    selection: tuple[int, int] | None = None
    wish: str = ""
    title: str = ""
    template: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    local: bool = False
    draft_id: str | None = None

    @property
    def place(self) -> tuple[int, int]:
        """The range that the task is about."""
        if self.selection is not None and self.action != "draft":
            return self.selection
        front = _FRONT.match(self.text)
        return (front.end() if front else 0, len(self.text))

    @property
    def piece(self) -> str:
        """The text of that range."""
        start, end = self.place
        return self.text[start:end]

    @property
    def whole(self) -> bool:
        """Whether the reply takes the place of the whole text."""
        return self.action in _INPLACE and (self.selection is None or self.action == "draft")


class Prompts:
    """The prompts of a style and a voice."""

    def __init__(self, options: Options, user_folder: Path | None = None, voice: Sequence[Path] = ()) -> None:
        self._options, self._folder, self._voice = options, user_folder, voice

    def build(self, task: Task) -> Prompt:
        """What is asked for a task. Raises UserError where it says too little, or a file cannot be read."""
        if task.action == "tone" and not task.wish.strip():
            raise UserError("which tone is not said", where="tone", fix="say it, such as --say 'warmer, to colleagues'")
        text = task.piece.strip("\n")
        if not text.strip() and task.action not in ("draft", "continue"):
            raise UserError("there is no text to work on", where=task.action, fix="write or select some first")
        if task.action == "continue":
            # What was written before is what is gone on with.
            text = task.text[: task.place[1]][-AROUND:]
        values = {
            "text": text,
            "title": task.title or "untitled",
            "kind": f" ({task.template})" if task.template else "",
            "wish": f"\nThe author asks: {task.wish.strip()}" if task.wish.strip() else "",
        }
        return Prompt(self._system(), self._filled(task.action, values), self._context(task))

    def correction(self, findings: Sequence[Finding]) -> str:
        """What is asked of the second round."""
        lines = []
        for finding in findings[:FINDINGS]:
            better = f" Better: {_quoted(finding.replacement)}." if finding.replacement else ""
            said = f": {_quoted(finding.text)}" if finding.text else ""
            lines.append(f"- line {finding.line}: {finding.message}{said}.{better}")
        return self._filled("correct", {"findings": "\n".join(lines)})

    def _system(self) -> str:
        samples = []
        for path in self._voice:
            try:
                samples.append(path.read_text("utf-8")[:SAMPLE].strip())
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is not UTF-8"
                raise UserError(f"cannot be read ({why})", where=str(path), fix="see `voice` of [content.ai]") from None
        said = "\n\n---\n\n".join(samples)[:SAMPLES]
        voice = f"\n\n{self._filled('voice', {'samples': said})}" if said else ""
        values = {"ellipsis": self._options.ellipsis, "emoji": " ".join(self._options.emoji) or "none", "voice": voice}
        return self._filled("system", values)

    def _context(self, task: Task) -> str:
        parts = []
        if task.title and task.action != "draft":
            parts.append(f"Title: {task.title}")
        for source, data in task.facts.items():
            if data not in (None, {}, []):
                told = json.dumps(data, ensure_ascii=False, indent=1, default=str)
                parts.append(f"{source}:\n{told if len(told) <= FACTS else told[:FACTS] + ' (cut off)'}")
        if task.selection is not None and task.action in _INPLACE and not task.whole:
            start, end = task.place
            half = AROUND // 2
            around = f"{task.text[max(0, start - half) : start]}[the text to work on]{task.text[end : end + half]}"
            parts.append(f"What stands around it:\n{around}")
        return self._filled("context", {"parts": "\n\n".join(parts)}) if parts else ""

    def _filled(self, name: str, values: Mapping[str, str]) -> str:
        text = self._read(name)
        return _PLACE.sub(lambda match: values.get(match[1], match[0]), text).strip()

    def _read(self, name: str) -> str:
        own = None if self._folder is None else self._folder / FOLDER / f"{name}.md"
        try:
            if own is not None and own.is_file():
                return own.read_text("utf-8")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UserError(f"cannot be read ({why})", where=str(own), fix="mend or remove it") from None
        return files("templates").joinpath(FOLDER, f"{name}.md").read_text("utf-8")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
