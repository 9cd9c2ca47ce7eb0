-- What became of appends that have an idempotency key: one row a key, until it expires. Times are those of this server, since the clocks of
-- silos differ. Names are unqualified: search_path says which schema.
CREATE TABLE append_key (
    id         text COLLATE "C" PRIMARY KEY,
    token      uuid        NOT NULL,
    data       bytea       NOT NULL,
    written_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX append_key_expires_at ON append_key (expires_at);
