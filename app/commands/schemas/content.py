"""What `qd content` prints."""

from __future__ import annotations

from app.commands.schemas.build import TEXT, choice, document, many, maybe, record

LINE = {"type": "integer", "minimum": 1, "description": "from 1"}
COLUMN = {"type": "integer", "minimum": 1, "description": "in characters (code points), from 1"}
END = {"type": "integer", "minimum": 1, "description": "the first column behind it"}
FINDING = record(
    rule=TEXT,
    severity=choice("error", "warn", "info"),
    line=LINE,
    column=COLUMN,
    end_line=LINE,
    end_column=END,
    text=TEXT,
    message=TEXT,
    fix=choice("safe", "suggest", "none"),
    replacement=maybe(TEXT),
)

LINT = document("qd content lint", file=TEXT, findings=many(FINDING))
FIX = document(
    "qd content fix",
    file=TEXT,
    fixed=many(FINDING),
    left=many(FINDING),
    diff=maybe(TEXT),
    text=maybe(TEXT),
)
