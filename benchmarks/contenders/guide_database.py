"""The guide's two tables, with SQLAlchemy."""

# mypy: disable-error-code="import-not-found, misc"

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Engine, Integer, String, create_engine, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """A table. Times are UTC without saying so: SQLite keeps no zone."""


class SessionRow(Base):
    """A conversation."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(String, primary_key=True)
    messages: Mapped[list[Any]] = mapped_column(JSON)
    last_activity: Mapped[datetime] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime)


class AgentContextRow(Base):
    """Who works on it."""

    __tablename__ = "agent_contexts"

    session_id: Mapped[str] = mapped_column(String, primary_key=True)
    current_agent: Mapped[str] = mapped_column(String)
    agent_history: Mapped[list[Any]] = mapped_column(JSON)
    context_metadata: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(DateTime)
    last_switch_at: Mapped[datetime | None] = mapped_column(DateTime)
    switch_count: Mapped[int] = mapped_column(Integer)


class Database:
    """Saves and loads whole rows, from any thread."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url)
        Base.metadata.create_all(self.engine)

    def save(self, table: type[Base], columns: Mapping[str, Any]) -> None:
        """Writes a row, new or not. Returns when that is committed."""
        statement = insert(table).values(columns)
        # `excluded` is what was to be inserted: the JSON is encoded and sent once.
        changes = {name: statement.excluded[name] for name in columns}
        with self.engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(["session_id"], set_=changes))

    def load(self, table: type[Base]) -> Sequence[Mapping[str, Any]]:
        """Every row, by the names of its columns."""
        with self.engine.connect() as connection:
            rows: Sequence[Mapping[str, Any]] = (
                connection.execute(select(table.__table__)).mappings().all()
            )
        return rows
