-- The transaction that wrote a row: it gets a number when no transaction that began before is still running.
ALTER TABLE audit ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE platform_audit ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

GRANT UPDATE (seq, chain) ON audit, platform_audit TO rollcall_app;
GRANT UPDATE (seq) ON outbox TO rollcall_app;
GRANT SELECT, INSERT, UPDATE ON trails TO rollcall_app;

-- A number is given once.
CREATE POLICY audit_numbered_once ON audit AS RESTRICTIVE FOR UPDATE USING (seq IS NULL) WITH CHECK (true);
CREATE POLICY outbox_numbered_once ON outbox AS RESTRICTIVE FOR UPDATE USING (seq IS NULL) WITH CHECK (true);

-- Whose rows wait for a number, by a look at an index of nothing but those. Row-level security shows one tenant at a
-- time, so while this function looks, and no longer, it shows the rows without a number of all; ids are all it gives.
CREATE POLICY audit_to_number ON audit FOR SELECT
    USING (seq IS NULL AND current_setting('rollcall.numbering', true) = 'on');

CREATE FUNCTION tenants_to_number(past uuid, most bigint) RETURNS SETOF uuid LANGUAGE plpgsql AS $find$
DECLARE
    low xid8 := pg_snapshot_xmin(pg_current_snapshot());
    high xid8 := pg_snapshot_xmax(pg_current_snapshot());
BEGIN
    PERFORM set_config('rollcall.numbering', 'on', true);
    RETURN QUERY
    WITH RECURSIVE found (tenant) AS (
        SELECT past
        UNION ALL
        SELECT (
            SELECT a.tenant_id FROM audit a
            WHERE a.seq IS NULL AND a.tenant_id > f.tenant AND (a.xid < low OR a.xid >= high)
            ORDER BY a.tenant_id LIMIT 1
        )
        FROM found f WHERE f.tenant IS NOT NULL
    )
    SELECT f.tenant FROM found f WHERE f.tenant > past LIMIT most;
    PERFORM set_config('rollcall.numbering', '', true);
END
$find$;
