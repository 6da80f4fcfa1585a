"""Turn an exception into data: the chain, its frames with source and locals, one line to show, a fingerprint."""

from __future__ import annotations

import hashlib
import importlib
import linecache
import os
import re
import reprlib
import time
import traceback
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

_CONTEXT_LINES = 4
_MAX_FRAMES_HEAD = 20
_MAX_FRAMES_TAIL = 40
_MAX_LOCALS = 40
_MAX_REPR = 300
_MAX_MESSAGE = 20_000
_LOCALS_BUDGET_S = 0.5
_NORMALISE: Tuple[Tuple["re.Pattern[str]", str], ...] = (
    (re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""), "'…'"),
    (re.compile(r"0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"(?:[A-Za-z]:)?(?:[\w.~-]*[/\\]){1,}[\w.~-]+"), "path"),
    (re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"), "N"),
)


def _make_repr() -> reprlib.Repr:
    short = reprlib.Repr()
    short.maxstring = short.maxother = _MAX_REPR
    short.maxlist = short.maxtuple = short.maxset = short.maxfrozenset = short.maxdeque = short.maxdict = 20
    short.maxlevel = 4
    return short


_SHORT = _make_repr()


def safe_repr(value: object) -> str:
    """The `repr` of anything, short, whatever its code does."""
    try:
        text = _SHORT.repr(value)
    except Exception as error:
        text = "<%s whose repr raised %s>" % (type(value).__name__, type(error).__name__)
    return text if len(text) <= _MAX_REPR else text[: _MAX_REPR - 1] + "…"


def safe_str(value: object) -> str:
    """The `str` of anything."""
    try:
        text = str(value)
    except Exception as error:
        return "<%s whose str raised %s>" % (type(value).__name__, type(error).__name__)
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + "…"


def fingerprint(kind: str, message: str, place: str) -> str:
    """The same for the same kind of failure in the same place, whatever its values."""
    for pattern, replacement in _NORMALISE:
        message = pattern.sub(replacement, message)
    return hashlib.sha1("\0".join((kind, message, place)).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def type_name(kind: type) -> str:
    """An exception's type as a traceback names it."""
    module = getattr(kind, "__module__", "builtins")
    name = getattr(kind, "__qualname__", kind.__name__)
    return name if module in ("builtins", "__main__") else "%s.%s" % (module, name)


class Describer:
    """Knows which files are the project's own and which frames belong to the test machinery."""

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        import _pytest
        import pluggy

        self._is_own = is_own
        self._own: Dict[str, bool] = {}
        folders = [os.path.dirname(os.path.abspath(str(m.__file__))) + os.sep for m in (_pytest, pluggy, importlib)]
        self._machinery = (*folders, "<frozen importlib")

    def own(self, path: str) -> bool:
        """Whether a file belongs to the project."""
        known = self._own.get(path)
        if known is None:
            known = self._own[path] = not path.startswith("<") and self._is_own(path)
        return known

    def exceptions(self, error: BaseException) -> List[Dict[str, Any]]:
        """The chain, oldest first."""
        chain: List[Tuple[BaseException, Optional[str]]] = [(error, None)]
        seen = {id(error)}
        while True:
            current = chain[-1][0]
            earlier, relation = current.__cause__, "cause"
            if earlier is None and not current.__suppress_context__:
                earlier, relation = current.__context__, "context"
            if earlier is None or id(earlier) in seen:
                break
            seen.add(id(earlier))
            chain.append((earlier, relation))
        budget = time.perf_counter() + _LOCALS_BUDGET_S
        return [
            {
                "type": type_name(type(item)),
                "message": safe_str(item),
                "frames": self._frames(item.__traceback__, budget) + self._place_of_syntax_error(item),
                "relation": relation,
            }
            for item, relation in reversed(chain)
        ]

    def text(self, error: BaseException) -> str:
        """The traceback as Python prints it, beginning where the machinery ends."""
        tb = error.__traceback__
        while tb is not None and tb.tb_next is not None and self._hidden(tb.tb_frame):
            tb = tb.tb_next
        return "".join(traceback.format_exception(type(error), error, tb))

    def _place_of_syntax_error(self, error: BaseException) -> List[Dict[str, Any]]:
        if not isinstance(error, SyntaxError) or not error.filename or not error.lineno:
            return []
        path = os.path.abspath(error.filename)
        source = self._source(path, error.lineno, None)
        return [
            {
                "path": path,
                "line": error.lineno,
                "function": "<module>",
                "source": source,
                "locals": [],
                "own": self.own(path),
            }
        ]

    def _frames(self, tb: Optional[types.TracebackType], budget: float) -> List[Dict[str, Any]]:
        every: List[Tuple[types.FrameType, int]] = []
        while tb is not None:
            every.append((tb.tb_frame, tb.tb_lineno))
            tb = tb.tb_next
        shown = [(frame, line) for frame, line in every if not self._hidden(frame)] or every[-1:]
        if len(shown) > _MAX_FRAMES_HEAD + _MAX_FRAMES_TAIL:
            shown = shown[:_MAX_FRAMES_HEAD] + shown[-_MAX_FRAMES_TAIL:]
        return [self._frame(frame, line, budget) for frame, line in shown]

    def _hidden(self, frame: types.FrameType) -> bool:
        if frame.f_code.co_filename.startswith(self._machinery) or frame.f_globals.get("__unittest"):
            return True
        hide = frame.f_locals.get("__tracebackhide__", frame.f_globals.get("__tracebackhide__", False))
        return bool(hide) and not callable(hide)

    def _frame(self, frame: types.FrameType, line: int, budget: float) -> Dict[str, Any]:
        code = frame.f_code
        path = code.co_filename
        if not path.startswith("<"):
            path = os.path.abspath(path)
        own = self.own(path)
        source = self._source(code.co_filename, line, frame.f_globals)
        return {
            "path": path,
            "line": line,
            "function": getattr(code, "co_qualname", code.co_name),
            "source": source,
            "locals": self._locals(frame, budget) if own else [],
            "own": own,
        }

    def _source(self, path: str, line: int, names: Optional[Dict[str, Any]]) -> List[List[Any]]:
        lines = linecache.getlines(path, names)
        first = max(1, line - _CONTEXT_LINES)
        last = min(len(lines), line + _CONTEXT_LINES)
        return [[number, lines[number - 1].rstrip("\r\n")[:1000]] for number in range(first, last + 1)]

    def _locals(self, frame: types.FrameType, budget: float) -> List[List[str]]:
        found: List[List[str]] = []
        for name, value in list(frame.f_locals.items()):
            # Names with @ are those of pytest's rewritten assertions.
            if name.startswith(("@", "__")) or isinstance(value, types.ModuleType):
                continue
            if len(found) >= _MAX_LOCALS or time.perf_counter() > budget:
                break
            found.append([name, safe_repr(value)])
        return found

    def error_class(self, exceptions: List[Dict[str, Any]], fallback: str) -> str:
        """Fingerprint of a failure."""
        if not exceptions:
            return fingerprint("", fallback, "")
        last = exceptions[-1]
        frames = [frame for frame in last["frames"] if frame["own"]] or last["frames"]
        place = "%s:%s" % (os.path.basename(frames[-1]["path"]), frames[-1]["function"]) if frames else ""
        return fingerprint(last["type"], last["message"].split("\n", 1)[0], place)


def one_line(text: str, limit: int = 500) -> str:
    """The first line that says something."""
    for line in text.splitlines():
        line = line.strip()
        if line:
            return line if len(line) <= limit else line[: limit - 1] + "…"
    return ""


def cap(text: str, room: int) -> Tuple[str, int]:
    """Keep head and tail of a text; the second value counts what was cut from its middle."""
    if room <= 0 or len(text) <= room:
        return text, 0
    half = room // 2
    return text[:half] + text[len(text) - half :], len(text) - 2 * half
