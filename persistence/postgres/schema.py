"""The tables, in a PostgreSQL schema of their own, `agent_runtime`, and what marks it as ours.

Rules:

- Every statement names the schema: `search_path` is a state of the connection (see `connections`).
- Texts are compared and sorted byte by byte (`COLLATE "C"`), in all of them alike, as in SQLite.
  JSON is kept as text: `json` and `jsonb` would refuse a U+0000, and `jsonb` writes it anew.
- `session` has one row per life. Its row is written with every append, so it is small; what is
  large and seldom changes is in `settings`, where a missing row stands for the defaults.
- A life is living (`deleted_at` is null), in the trash (the moment), or being purged (the empty
  text): then nobody sees it, and its entries go bit by bit. A life that is written ahead is that,
  too, until it is whole. `no` is never given again: it comes from the sequence `session_no`, of
  which a store takes 64 numbers at a time.
- `entry` has the logs of all lives. Entries are only added; of a record the body may be dropped.
  They have no foreign key to `session`: they come before it where a life is written ahead, and go
  after it has been marked where it is purged.
- `used` has what each life has used, by day, agent, model and name; what is gone goes on counting
  under number 0 (see `persistence.used`). A report changes its rows in place, for which they have
  room.
- `ahead` has the living lives beyond whose version entries are written ahead.
- `tally` counts the living sessions by shard. One counter for all would be a row that the nodes
  wait for in turn.
- `node`, `fence` and `shard` say who owns what; see `nodes`. A node's row in `node` is written with
  each of its beats, that in `fence` with each of its commits: in place, for which they have room.
- `sessions` and `agent_contexts` are the published schema; see `views`.
- `meta` has one row. A schema of a higher `schema_version` is refused.
"""

from secrets import token_hex, token_urlsafe

import psycopg

from persistence.postgres import views
from persistence.postgres.address import Address
from persistence.postgres.connections import Connection, opening
from persistence.postgres.errors import OUT_OF_STEP, OWNERSHIP_LOST
from runtime import SHARDS, CannotOpenStore

SCHEMA_VERSION = 2
"""In `meta`. A store refuses a higher one; `upgrading` makes this of a lower one."""

NUMBERS = 64
"""Of lives that a store takes at a time; what it has left when it ends is lost. Of 2^31 that are
33 million ends."""

LOCK = 0x4147_5254_0001
"""Held by who creates or upgrades the schema: `AGRT`, and the first thing that is locked."""

_TABLES = (
    """
    CREATE TABLE agent_runtime.meta (
        id int PRIMARY KEY CHECK (id = 1),
        schema_version int NOT NULL,
        identity text COLLATE "C" NOT NULL,
        node_secret text COLLATE "C" NOT NULL
    )
    """,
    f"""
    CREATE SEQUENCE agent_runtime.session_no
        AS int START 1 INCREMENT {NUMBERS} MAXVALUE 2147483647 NO CYCLE
    """,
    """
    CREATE TABLE agent_runtime.tally (
        shard smallint PRIMARY KEY,
        living bigint NOT NULL
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE agent_runtime.node (
        id text COLLATE "C" PRIMARY KEY,
        address text COLLATE "C",
        pid int NOT NULL,
        beats bigint NOT NULL,
        seen timestamptz NOT NULL,
        is_leaving bool NOT NULL
    ) WITH (fillfactor = 10)
    """,
    """
    CREATE TABLE agent_runtime.fence (
        node text COLLATE "C" PRIMARY KEY REFERENCES agent_runtime.node ON DELETE CASCADE,
        connection bigint NOT NULL,
        commit_seq bigint NOT NULL
    ) WITH (fillfactor = 10)
    """,
    """
    CREATE TABLE agent_runtime.shard (
        shard smallint PRIMARY KEY,
        owner text COLLATE "C" REFERENCES agent_runtime.node ON DELETE SET NULL
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE agent_runtime.session (
        no bigint PRIMARY KEY,
        session_id text COLLATE "C" NOT NULL,
        shard smallint NOT NULL,
        root bytea NOT NULL,
        created_at text COLLATE "C" NOT NULL,
        last_activity text COLLATE "C" NOT NULL,
        version bigint NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
        message_count bigint NOT NULL,
        current_agent text COLLATE "C" NOT NULL,
        switch_count bigint NOT NULL,
        last_switch_at text COLLATE "C",
        floor bigint NOT NULL,
        deleted_at text COLLATE "C"
    )
    """,
    """
    CREATE TABLE agent_runtime.settings (
        no bigint PRIMARY KEY REFERENCES agent_runtime.session ON DELETE CASCADE,
        title text COLLATE "C",
        archived bool NOT NULL,
        metadata text COLLATE "C" NOT NULL,
        forked_from_id text COLLATE "C",
        forked_at bigint,
        intervals text COLLATE "C"
    )
    """,
    """
    CREATE TABLE agent_runtime.entry (
        no bigint NOT NULL,
        seq bigint NOT NULL,
        form bigint NOT NULL,
        kind text COLLATE "C" NOT NULL,
        at text COLLATE "C" NOT NULL,
        chain bytea NOT NULL,
        key text COLLATE "C",
        call text COLLATE "C",
        metadata text COLLATE "C",
        body text COLLATE "C" NOT NULL,
        PRIMARY KEY (no, seq)
    )
    """,
    """
    CREATE TABLE agent_runtime.standing (
        no bigint PRIMARY KEY REFERENCES agent_runtime.session ON DELETE CASCADE,
        lease bigint,
        lease_ends_at text COLLATE "C",
        lease_ttl float8,
        waits_until bigint NOT NULL
    )
    """,
    """
    CREATE TABLE agent_runtime.draft (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        no bigint NOT NULL REFERENCES agent_runtime.session ON DELETE CASCADE,
        key text COLLATE "C" NOT NULL,
        start bigint NOT NULL,
        role text COLLATE "C" NOT NULL,
        at text COLLATE "C" NOT NULL,
        body text COLLATE "C" NOT NULL
    )
    """,
    """
    CREATE TABLE agent_runtime.ahead (
        no bigint PRIMARY KEY REFERENCES agent_runtime.session ON DELETE CASCADE,
        shard smallint NOT NULL
    )
    """,
)

USED = (
    """
    CREATE TABLE agent_runtime.used (
        no bigint NOT NULL,
        day text COLLATE "C" NOT NULL,
        agent text COLLATE "C" NOT NULL,
        model text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        high bigint NOT NULL,
        low bigint NOT NULL,
        part float8,
        PRIMARY KEY (no, day, agent, model, name)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX used_by_place ON agent_runtime.used (day, agent, model, name)",
)
"""What versions before 2 do not have."""

_INDEXES = (
    "CREATE UNIQUE INDEX session_by_id ON agent_runtime.session (session_id) "
    "WHERE deleted_at IS NULL",
    # The list of all in its two orders; the first is also where the expired are found.
    "CREATE INDEX session_by_activity ON agent_runtime.session (last_activity, session_id) "
    "WHERE deleted_at IS NULL",
    "CREATE INDEX session_by_creation ON agent_runtime.session (created_at, session_id) "
    "WHERE deleted_at IS NULL",
    "CREATE INDEX session_deleted ON agent_runtime.session (deleted_at, no) "
    "WHERE deleted_at IS NOT NULL",
    "CREATE INDEX session_deleted_by_id ON agent_runtime.session (session_id, deleted_at, no) "
    "WHERE deleted_at IS NOT NULL",
    "CREATE INDEX entry_by_key ON agent_runtime.entry (no, kind, key, seq) WHERE key IS NOT NULL",
    "CREATE INDEX entry_by_call ON agent_runtime.entry (no, call) WHERE call IS NOT NULL",
    # What is not a message is found without those in between, however long the session.
    "CREATE INDEX entry_outline ON agent_runtime.entry (no, seq) INCLUDE (kind, key, at, form) "
    "WHERE kind <> 'message'",
    "CREATE INDEX standing_waiting ON agent_runtime.standing (no) INCLUDE (waits_until) "
    "WHERE waits_until > 0",
    "CREATE INDEX draft_of_session ON agent_runtime.draft (no, id)",
)

_EXPECT = f"""
CREATE FUNCTION agent_runtime.expect(code text, counted bigint, wanted bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF counted IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION USING
            ERRCODE = code,
            MESSAGE = CASE code
                WHEN '{OWNERSHIP_LOST}' THEN 'the ownership was lost'
                WHEN '{OUT_OF_STEP}' THEN 'it does not follow on what is stored'
                ELSE 'something is not as expected'
            END,
            DETAIL = format('%s rows were found, and %s expected', counted, wanted);
    END IF;
END
$$
"""
"""Ends a transaction in which something is not as expected. Its statements can so be sent all at
once: none has to be waited for, and looked at, before the next."""

_PASS_FENCE = """
CREATE FUNCTION agent_runtime.pass_fence(
    whose text, by_connection bigint, number bigint, shards smallint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE agent_runtime.fence SET commit_seq = number
     WHERE node = whose AND commit_seq = number - 1 AND connection = by_connection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the node is not what it takes itself for'
            USING ERRCODE = '$LOST';
    END IF;
    IF (SELECT count(*) FROM agent_runtime.shard WHERE owner = whose AND shard = ANY (shards))
            <> cardinality(shards) THEN
        RAISE EXCEPTION 'a shard is not the node''s' USING ERRCODE = '$LOST';
    END IF;
END
$$
""".replace("$LOST", OWNERSHIP_LOST)
"""What every commit has to pass; see `nodes`. In a function, as its statements are then planned
once in a session, and not for each commit. Each of them sees what was committed before it begins:
the second one all that was done to the shards by those who had the lock before the first."""

_STATE = """
SELECT to_regnamespace('agent_runtime') IS NOT NULL,
       to_regclass('agent_runtime.meta') IS NOT NULL,
       EXISTS (SELECT 1 FROM pg_catalog.pg_class
                WHERE relnamespace = to_regnamespace('agent_runtime'))
"""

_HAS_LZ4 = """
SELECT 'lz4' = ANY(enumvals) FROM pg_catalog.pg_settings WHERE name = 'default_toast_compression'
"""
"""Whether the server was built with it: most are."""


def prepare(connection: Connection, address: Address, *, create: bool = True) -> None:
    """Makes sure that the database has this schema, whoever else does the same at this moment.

    It creates it if it may. Raises `CannotOpenStore`.
    """
    with opening(address):
        if not _is_there(connection, address):
            if not create:
                raise CannotOpenStore(
                    f"There are no sessions in the database {address}",
                    "A service that is started with it creates what it needs",
                )
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                if not _is_there(connection, address):  # nobody was faster
                    _create(connection, address)
        _check_version(connection, address)


def secret_in(connection: Connection, address: Address) -> str:
    """What the nodes that share the database show to each other. Raises `CannotOpenStore`."""
    with opening(address):
        [(secret,)] = connection.execute("SELECT node_secret FROM agent_runtime.meta").fetchall()
    return str(secret)


def _is_there(connection: Connection, address: Address) -> bool:
    """Whether there is a schema of ours. Raises `CannotOpenStore` if there is another one."""
    [(_, is_ours, is_used)] = connection.execute(_STATE).fetchall()
    if is_used and not is_ours:
        raise _foreign(address)
    return bool(is_ours)


def _create(connection: Connection, address: Address) -> None:
    [(has_schema, _, _)] = connection.execute(_STATE).fetchall()
    try:
        if not has_schema:  # who may create none is given one
            connection.execute("CREATE SCHEMA agent_runtime")
        functions = (_EXPECT, _PASS_FENCE)
        the_views = (views.SESSIONS, views.AGENT_CONTEXTS)
        for statement in (*_TABLES, *USED, *_INDEXES, *functions, *the_views):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise CannotOpenStore(
            f"This user may not create the schema agent_runtime in {address}",
            "Have the database's owner run: CREATE SCHEMA agent_runtime AUTHORIZATION this_user",
        ) from error
    [(has_lz4,)] = connection.execute(_HAS_LZ4).fetchall()
    if has_lz4:
        # Half of what inserting a text of 8 KiB costs is its compression by the older method.
        connection.execute("ALTER TABLE agent_runtime.entry ALTER body SET COMPRESSION lz4")
    everyone = f"generate_series(0, {SHARDS - 1})"
    connection.execute(f"INSERT INTO agent_runtime.tally SELECT n, 0 FROM {everyone} AS n")  # noqa: S608
    connection.execute(f"INSERT INTO agent_runtime.shard SELECT n FROM {everyone} AS n")  # noqa: S608
    connection.execute(
        "INSERT INTO agent_runtime.meta VALUES (1, %s, %s, %s)",
        (SCHEMA_VERSION, token_hex(16), token_urlsafe(32)),
    )


def _check_version(connection: Connection, address: Address) -> None:
    try:
        found = connection.execute("SELECT schema_version FROM agent_runtime.meta").fetchall()
    except psycopg.errors.UndefinedColumn:
        raise _foreign(address) from None
    if len(found) != 1:
        raise _foreign(address)
    [(version,)] = found
    if version != SCHEMA_VERSION:
        raise CannotOpenStore(
            f"The sessions in {address} have schema version {version}; this program reads version "
            f"{SCHEMA_VERSION}",
            "A newer one needs a newer program: all nodes run the same. An older one is upgraded "
            "when a service opens it",
        )


def _foreign(address: Address) -> CannotOpenStore:
    return CannotOpenStore(
        f"The schema agent_runtime of {address} is not this program's",
        "Name another database, or give the schema that is there another name",
    )
