-- Large tables may be cut into partitions by tenant (`rollcall migrate --partitions`). What follows works on either shape.

-- As before, but a table that is cut into partitions is looked at as a whole, too: autovacuum never does that, and plans that
-- are made before the tenant is known go by it. A partition that has grown alone, by one tenant, is looked at by itself.
CREATE OR REPLACE FUNCTION analyze_grown_tables() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET default_statistics_target = 10 AS $analyze$
DECLARE
    grown regclass;
    analyzed integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(8243108411979461989) THEN
        RETURN 0;
    END IF;
    -- ANALYZE of a whole looks at each of its partitions.
    FOR grown IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner, LATERAL (
            SELECT sum(pg_relation_size(p.oid)) AS bytes, sum(GREATEST(p.relpages, 0)) AS pages
            FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid WHERE i.inhparent = c.oid
        ) of
        WHERE c.relkind = 'p' AND c.relnamespace = 'public'::regnamespace AND r.rolname = current_user
            AND of.bytes > 262144 AND of.bytes > 2 * 8192 * of.pages
        ORDER BY c.relname
    LOOP
        EXECUTE format('ANALYZE %s', grown);
        analyzed := analyzed + 1;
    END LOOP;
    FOR grown IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND r.rolname = current_user
            AND pg_relation_size(c.oid) > 262144
            AND pg_relation_size(c.oid) > 2 * 8192 * GREATEST(c.relpages, 0)::bigint
        ORDER BY c.relname
    LOOP
        EXECUTE format('ANALYZE %s', grown);
        analyzed := analyzed + 1;
    END LOOP;
    RETURN analyzed;
END
$analyze$;

-- For later migrations: storage parameters of a table (`fillfactor = 50`), which PostgreSQL keeps for each partition and
-- refuses for the whole.
CREATE FUNCTION set_storage(of_table regclass, parameters text) RETURNS void LANGUAGE plpgsql AS $storage$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        SELECT of_table WHERE NOT EXISTS (SELECT 1 FROM pg_partitioned_table p WHERE p.partrelid = of_table)
        UNION ALL
        SELECT i.inhrelid::regclass FROM pg_inherits i WHERE i.inhparent = of_table
    LOOP
        EXECUTE format('ALTER TABLE %s SET (%s)', part, parameters);
    END LOOP;
END
$storage$;
REVOKE EXECUTE ON FUNCTION set_storage(regclass, text) FROM PUBLIC;
