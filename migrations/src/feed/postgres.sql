GRANT SELECT, INSERT, DELETE ON feed TO rollcall_app;
GRANT SELECT, UPDATE ON feed_ends TO rollcall_app;

-- Those that have their numbers already, each tenant's in their order. Forced row-level security hides them from the owner too,
-- so it pauses for the length of this transaction.
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
INSERT INTO feed (position, tenant, seq, event, object_id, numbered_at)
SELECT row_number() OVER (ORDER BY o.at, o.tenant_id, o.seq), o.tenant_id, o.seq, o.event, o.object_id, o.at FROM (
    SELECT x.tenant_id, x.seq, x.event, x.object_id, max(x.at) OVER (PARTITION BY x.tenant_id ORDER BY x.seq) AS at
    FROM outbox x WHERE x.seq IS NOT NULL
) o;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
INSERT INTO feed_ends (name, position) SELECT 'forgotten', 0 UNION ALL SELECT 'last', COALESCE(max(f.position), 0) FROM feed f;

-- Events of several tenants at once, by tenant and number, in that order. Row-level security shows one tenant at a time.
CREATE FUNCTION events_by_number(of_tenants uuid[], numbers bigint[]) RETURNS TABLE (
    tenant uuid, seq bigint, id uuid, event text, object_type text, object_id text, object_version bigint, actor_kind text,
    actor_id text, actor_name text, cause text, at bigint, body text
) LANGUAGE plpgsql AS $events$
#variable_conflict use_column
DECLARE
    place integer;
BEGIN
    FOR place IN 1 .. COALESCE(array_length(numbers, 1), 0) LOOP
        IF place = 1 OR of_tenants[place] <> of_tenants[place - 1] THEN
            PERFORM set_config('rollcall.tenant', of_tenants[place]::text, true);
        END IF;
        RETURN QUERY
            SELECT o.tenant_id, o.seq, o.id, o.event, o.object_type, o.object_id::text, o.object_version, o.actor_kind,
                o.actor_id, o.actor_name, o.cause, o.at, p.body
            FROM outbox o LEFT JOIN payloads p ON p.tenant_id = o.tenant_id AND p.id = o.payload_id
            WHERE o.tenant_id = of_tenants[place] AND o.seq = numbers[place];
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
END
$events$;
