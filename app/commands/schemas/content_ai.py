"""What `qd content ai` prints."""

from __future__ import annotations

from app.commands.schemas.build import COUNT, FLAG, SECONDS, TEXT, Schema, choice, document, many, maybe, record
from app.content.ai.model import ACTIONS

AMOUNT: Schema = {"type": "string", "description": "an exact decimal, in the currency of the profile's prices"}
OUTCOME = choice("complete", "partial", "stopped", "failed")
PARTS = record(system=TEXT, context=TEXT, user=TEXT)
SENT = record(url=TEXT, headers={"type": "object"}, body={"type": "object"}, parts=PARTS)
CHANGE = record(start={**COUNT, "description": "in characters of the text before, from 0"}, before=TEXT, after=TEXT)
FINDING = record(
    rule=TEXT,
    severity=choice("error", "warn", "info"),
    line={"type": "integer", "minimum": 1, "description": "of the reply"},
    column={"type": "integer", "minimum": 1},
    text=TEXT,
    message=TEXT,
)
CALL = record(
    outcome=OUTCOME,
    tokens_in=maybe(COUNT),
    tokens_out=maybe(COUNT),
    estimated=FLAG,
    duration_s=SECONDS,
    cost=maybe(AMOUNT),
)
RESULT = record(
    outcome=OUTCOME,
    why=TEXT,
    text={"type": "string", "description": "the whole text with the reply in its place"},
    reply=TEXT,
    titles=many(TEXT),
    changes=many(CHANGE),
    fixed=COUNT,
    findings=many(FINDING),
    calls=many(CALL),
)
AI = document(
    "qd content ai",
    profile=TEXT,
    kind=choice("openai", "anthropic", "ollama"),
    model=TEXT,
    action=choice(*ACTIONS),
    draft=maybe(TEXT),
    local=FLAG,
    dry_run=FLAG,
    sent=maybe(SENT),
    result=maybe(RESULT),
)
