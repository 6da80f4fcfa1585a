"""The structure of what is stored, for other programs: JSON Schema of the contracts, SQL of the tables."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from app.errors import UserError

Dialect = Literal["sqlite", "mariadb", "mysql"]

CONTRACTS = {
    "testing.run": "app.testing.records:RunRecord",
    "git.operation": "app.git.records:OperationRecord",
    "feedback.row": "app.feedback.contract:FeedbackIn",
    "feedback.export": "app.feedback.contract:FeedbackOut",
    "feedback.captured": "app.feedback.contract:FeedbackRecord",
    "feedback.capture": "app.feedback.capture:CaptureRecord",
    "feedback.decision": "app.feedback.contract:DecisionRecord",
    "retrain.row": "app.feedback.retrain.contract:TrainingRow",
    "retrain.report": "app.feedback.retrain.contract:RunReport",
    "content.draft": "app.content.drafts.records:DraftRecord",
    "content.ai": "app.content.ai.calls:CallRecord",
    "content.note": "app.content.notes.records:NotesRecord",
    "content.publication": "app.content.publishing.records:PublicationRecord",
    "content.outcome": "app.content.publishing.records:OutcomeRecord",
}
"""What enters the database through a contract, and its pydantic model; an area adds its own here."""


def json_schemas(only: str | None = None) -> dict[str, Any]:
    """The JSON Schema of every contract, or of `only` one, by name. Raises UserError where there is none."""
    if only is not None and only not in CONTRACTS:
        raise UserError(f"there is no contract `{only}`", fix=f"there are {', '.join(CONTRACTS)}")
    schemas: dict[str, Any] = {}
    for name, place in CONTRACTS.items() if only is None else [(only, CONTRACTS[only])]:
        module, _, attribute = place.partition(":")
        schemas[name] = getattr(import_module(module), attribute).model_json_schema()
    return schemas


def ddl(dialect: Dialect) -> str:
    """The statements that make the tables as they are at the head."""
    from sqlalchemy.dialects import mysql, sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    from app.db.tables import all_tables

    target = sqlite.dialect() if dialect == "sqlite" else mysql.dialect(is_mariadb=dialect == "mariadb")
    statements = []
    for table in all_tables().sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=target)).strip())
        statements += [
            str(CreateIndex(index).compile(dialect=target)).strip()
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    return ";\n\n".join(statement.replace("\t", "    ") for statement in statements) + ";\n"
