"""What was asked of which endpoint, what it took and what it cost: kept through the spool."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from app.content.ai.model import Action, Call, Outcome, Profile, Reply
from app.content.tables import MODEL_LENGTH, TEMPLATE_LENGTH, ai_call
from app.db.types import storable, utc_now
from app.db.upsert import upsert
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.spool import Spool

CALL = "content.ai"
"""Kind of the spooled operation."""
_MILLION = Decimal(1_000_000)
_CENT = Decimal("0.00000001")
_MOST = Decimal(10) ** 10
Tokens = Annotated[int, Field(ge=0, lt=2**62)]


class CallRecord(BaseModel):
    """One request to an endpoint. `cost` is in the currency of the profile's prices, null where it has none."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    id: Annotated[str, Field(min_length=26, max_length=26)]
    draft_id: Annotated[str, Field(max_length=26)] | None = None
    profile: Annotated[str, Field(min_length=1, max_length=TEMPLATE_LENGTH)]
    model: Annotated[str, Field(min_length=1, max_length=MODEL_LENGTH)]
    action: Action
    outcome: Outcome
    tokens_in: Tokens | None = None
    tokens_out: Tokens | None = None
    estimated: bool = False
    cost: Annotated[Decimal, Field(ge=0, lt=_MOST, decimal_places=8)] | None = None
    duration_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    at: AwareDatetime


def call_of(profile: Profile, action: Action, reply: Reply, draft_id: str | None) -> Call:
    """What there is to record of a reply."""
    return Call(
        profile=profile.name,
        model=storable(profile.model),
        action=action,
        outcome=reply.outcome,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        estimated=reply.estimated,
        cost=cost(profile, reply.tokens_in, reply.tokens_out),
        duration_s=reply.duration_s,
        draft_id=draft_id,
    )


def cost(profile: Profile, tokens_in: int | None, tokens_out: int | None) -> Decimal | None:
    """What so many tokens cost; None where the prices or the tokens are not known."""
    if profile.price_in is None or profile.price_out is None or tokens_in is None or tokens_out is None:
        return None
    amount = (profile.price_in * tokens_in + profile.price_out * tokens_out) / _MILLION
    return amount.quantize(_CENT) if amount < _MOST else None


async def put(spool: Spool, call: Call) -> None:
    """Keep a call; it would survive a power loss when this returns."""
    fields = {name: getattr(call, name) for name in Call.__dataclass_fields__}
    record = CallRecord(id=new_id(), at=utc_now(), **fields)
    await spool.put(CALL, record.model_dump(mode="json"), record.id)


def apply(conn: Connection, payload: dict[str, Any]) -> None:
    """Write a call; writing it again changes nothing."""
    record = CallRecord.model_validate_json(json.dumps(payload))
    upsert(conn, ai_call, [record.model_dump(exclude={"schema_version"})], keys=["id"], update=())
