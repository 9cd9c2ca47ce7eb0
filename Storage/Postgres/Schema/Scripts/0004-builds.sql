-- Builds: checkpoints are counted, the catalog of builds is one row, and each build has tables of its own, which are dropped as a whole.
--
-- No row is rewritten, so this takes no longer on a large store than on an empty one. What the version before stored stays where it is, in
-- the tables "state" and "contribution"; the versions of its datasets are the numbers of its builds.
--
-- Silos of the version before may continue on this schema until they are replaced, but not start on it. They find every column that they
-- know, and what they insert gets the defaults below. Once a numbered checkpoint is written, they are refused as any stale owner is: the
-- trigger at the end of this script.

-- version is the number of the build, and marks holds the header of the checkpoint.
ALTER TABLE partition
    ADD COLUMN checkpoint bigint  NOT NULL DEFAULT 1,    -- how many checkpoints were written; at an upgrade the one there is
    ADD COLUMN home       integer NOT NULL DEFAULT 0,    -- the tables of its rows: build.id; 0 for "state" and "contribution"
    ADD COLUMN unnumbered boolean NOT NULL DEFAULT true; -- whether the version before wrote the last one

-- One row a build that has tables of its own: state_<id> and contribution_<id>.
CREATE TABLE build (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text    NOT NULL,
    number  integer NOT NULL,
    UNIQUE (dataset, number)
);

CREATE TABLE catalog (
    id     integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    number bigint  NOT NULL,
    text   bytea   NOT NULL
);
INSERT INTO catalog (number, text) VALUES (0, '');

-- Partitions that were dropped, whose rows in "state" and "contribution" are still to be deleted. Nobody reads these rows any more.
CREATE TABLE remains (partition_id integer PRIMARY KEY);

-- Makes the tables of a build where there are none, and returns their number. Whoever may write partitions may write them too.
CREATE FUNCTION make_build(of_dataset text, of_number integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    own     integer;
    grantee name;
BEGIN
    LOOP
        SELECT id INTO own FROM build WHERE dataset = of_dataset AND number = of_number;
        IF own IS NOT NULL THEN
            RETURN own;
        END IF;
        -- Waits for another silo that makes or drops it just now.
        INSERT INTO build (dataset, number) VALUES (of_dataset, of_number) ON CONFLICT DO NOTHING RETURNING id INTO own;
        EXIT WHEN own IS NOT NULL;
    END LOOP;
    EXECUTE format('
        CREATE TABLE state_%1$s (
            partition_id integer NOT NULL,
            key          bytea   NOT NULL,
            value        bytea   NOT NULL,
            "offset"     bigint  NOT NULL,
            timestamp    bigint  NOT NULL,
            PRIMARY KEY (partition_id, key)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);
        CREATE TABLE contribution_%1$s (
            partition_id integer NOT NULL,
            key          bytea   NOT NULL,
            slot         integer NOT NULL,
            element      bytea   NOT NULL,
            value        bytea   NOT NULL,
            PRIMARY KEY (partition_id, key, slot, element)
        ) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2)', own);
    FOR grantee IN
        SELECT DISTINCT r.rolname FROM pg_class AS c, aclexplode(c.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE c.oid = 'partition'::regclass AND a.privilege_type = 'INSERT'
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON state_%1$s, contribution_%1$s TO %2$I', own, grantee);
    END LOOP;
    RETURN own;
END $$;

-- Drops a build. The tables are locked before the rows of partitions, in the order of a checkpoint: it waits for checkpoints and reads of
-- this build alone, and none of them waits for it while it waits for them.
CREATE FUNCTION drop_build(of_dataset text, of_number integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    own integer;
BEGIN
    SELECT id INTO own FROM build WHERE dataset = of_dataset AND number = of_number FOR UPDATE;
    IF own IS NOT NULL THEN
        EXECUTE format('LOCK TABLE state_%1$s, contribution_%1$s IN ACCESS EXCLUSIVE MODE', own);
    END IF;
    WITH gone AS (
        DELETE FROM partition WHERE dataset = of_dataset AND version = of_number AND home IN (0, own) RETURNING id, home)
    INSERT INTO remains SELECT id FROM gone WHERE home = 0;
    IF own IS NOT NULL THEN
        EXECUTE format('DROP TABLE state_%1$s, contribution_%1$s', own);
        DELETE FROM build WHERE id = own;
    END IF;
END $$;

-- Deletes some rows of the partitions in "remains"; false when there is none left. One transaction at a time: each sees what the one
-- before it deleted.
CREATE FUNCTION drop_remains(most integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    dropped integer;
BEGIN
    LOCK TABLE remains IN SHARE ROW EXCLUSIVE MODE;
    SELECT partition_id INTO dropped FROM remains ORDER BY partition_id LIMIT 1;
    IF dropped IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM state WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM state WHERE partition_id = dropped ORDER BY key LIMIT most));
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM contribution WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM contribution WHERE partition_id = dropped ORDER BY key, slot, element LIMIT most));
    IF NOT FOUND THEN
        DELETE FROM remains WHERE partition_id = dropped;
    END IF;
    RETURN true;
END $$;

-- The two that run with their owner's rights find tables in this schema alone, whatever the caller's search_path and temporary tables.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION make_build(text, integer) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION drop_build(text, integer) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION drop_remains(integer) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION make_build(text, integer), drop_build(text, integer) FROM PUBLIC;

-- A version that does not count checkpoints leaves the number as it was. Where it also wrote the last one, the number is raised for it.
-- Where not, its condition on the position does not suffice: the position may be the same though the header holds more than this version
-- can write, such as how far a new view was filled. It is refused as if the position were another.
CREATE FUNCTION count_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.unnumbered THEN
        RETURN NULL;
    END IF;
    NEW.checkpoint := OLD.checkpoint + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER count_checkpoint BEFORE UPDATE ON partition FOR EACH ROW
    WHEN (NEW.checkpoint = OLD.checkpoint) EXECUTE FUNCTION count_checkpoint();
