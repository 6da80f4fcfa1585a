"""What `qd config` and `qd init` print."""

from __future__ import annotations

from app.commands.schemas.build import FLAG, TEXT, document, many, maybe, record

_PROBLEM = record(where=TEXT, key=TEXT, text=TEXT)

SHOW = document("qd config show", path=maybe(TEXT), values=many(record(key=TEXT, value={}, origin=TEXT)))
CHECK = document("qd config check", ok=FLAG, path=maybe(TEXT), problems=many(_PROBLEM), warnings=many(_PROBLEM))
PATH = document("qd config path", path=TEXT, exists=FLAG, named_by=maybe(TEXT))
INIT = document("qd init", path=TEXT, backup=maybe(TEXT), project=maybe(record(name=TEXT, path=TEXT)))
