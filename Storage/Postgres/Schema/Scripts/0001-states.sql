-- The state store of ActorStreams: states, contributions and checkpoints of every dataset's partitions.
-- Names are unqualified: search_path says which schema. PostgreSQL 15 or newer.

-- Which scripts were applied. The checksum is the SHA-256 of the script as shipped, in lower-case hex.
CREATE TABLE applied_script (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row a partition that ever had a checkpoint. It changes at every checkpoint: a page has room for many versions of its rows, so that
-- these updates stay within the page (HOT) and are cleaned up without a vacuum.
CREATE TABLE partition (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset  text    NOT NULL,
    version  integer NOT NULL,
    number   integer NOT NULL,
    position bigint  NOT NULL,
    states   bigint  NOT NULL,
    marks    bytea   NOT NULL,
    UNIQUE (dataset, version, number)
) WITH (fillfactor = 20);

-- One row a key. Keys are UTF-8 in bytea: they may hold U+0000, which text cannot, and bytea compares byte by byte, which is the order of
-- keys everywhere. Values are bytea too: a state must come back byte for byte, and jsonb would change spaces, numbers and the order of names.
-- No index but the key, and a fifth of every page free: an update that fits is HOT. Vacuum comes early, since hot keys are rewritten often.
CREATE TABLE state (
    partition_id integer NOT NULL,
    key          bytea   NOT NULL,
    value        bytea   NOT NULL,
    "offset"     bigint  NOT NULL,
    timestamp    bigint  NOT NULL,
    PRIMARY KEY (partition_id, key)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);

-- What views keep beside a state, in the order of its bytes.
CREATE TABLE contribution (
    partition_id integer NOT NULL,
    key          bytea   NOT NULL,
    slot         integer NOT NULL,
    element      bytea   NOT NULL,
    value        bytea   NOT NULL,
    PRIMARY KEY (partition_id, key, slot, element)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);

-- What was recorded of the datasets when they were last run.
CREATE TABLE dataset (
    name        bytea PRIMARY KEY,
    description bytea NOT NULL
);
