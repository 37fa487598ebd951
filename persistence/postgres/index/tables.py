"""The tables of the index, and which database they are of.

- `index_about` has one row: the form of the tables, and the identity of the database.
- `index_taken` says which entries there are: of a life all up to `upto`, whose chain is `chain`.
- `index_text` has a row for each text: its words, without the text.
"""

from persistence.postgres.connections import Connection

FORM = 1
"""Of what is in the tables, the words included: those of another one are made anew."""

_LOCK = 0x4147_5254_0002
"""Held by who creates them: `AGRT`, and the second thing that is locked."""

_ABOUT = """
SELECT a.form, a.identity = m.identity FROM agent_runtime.index_about AS a, agent_runtime.meta AS m
"""
_ARE_THERE = "SELECT to_regclass('agent_runtime.index_about') IS NOT NULL"
_DROP = """
DROP TABLE IF EXISTS
    agent_runtime.index_about, agent_runtime.index_taken, agent_runtime.index_text
"""
_TABLES = (
    """
    CREATE TABLE agent_runtime.index_about (form int NOT NULL, identity text COLLATE "C" NOT NULL)
    """,
    """
    CREATE TABLE agent_runtime.index_taken (
        no bigint PRIMARY KEY,
        upto bigint NOT NULL,
        chain bytea
    )
    """,
    """
    CREATE TABLE agent_runtime.index_text (
        no bigint NOT NULL,
        seq bigint NOT NULL,
        at text COLLATE "C" NOT NULL,
        role text COLLATE "C",
        words tsvector NOT NULL,
        PRIMARY KEY (no, seq)
    )
    """,
    "CREATE INDEX index_text_words ON agent_runtime.index_text USING gin (words)",
    # Where a word is in very many texts, the newest are found by going back in time.
    "CREATE INDEX index_text_at ON agent_runtime.index_text (at, no, seq)",
    "CREATE INDEX index_text_title ON agent_runtime.index_text (no) WHERE role IS NULL",
)
_CREATED = "INSERT INTO agent_runtime.index_about SELECT %s, identity FROM agent_runtime.meta"


def are_there(connection: Connection) -> bool:
    """Whether there is an index of this database, in the present form. Raises `psycopg.Error`."""
    [(found,)] = connection.execute(_ARE_THERE).fetchall()
    return found and connection.execute(_ABOUT).fetchall() == [(FORM, True)]


def prepare(connection: Connection) -> None:
    """Makes sure of it, whoever else does the same at this moment. Raises `psycopg.Error`."""
    if are_there(connection):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if not are_there(connection):  # nobody was faster
            for statement in (_DROP, *_TABLES):
                connection.execute(statement)
            connection.execute(_CREATED, (FORM,))
