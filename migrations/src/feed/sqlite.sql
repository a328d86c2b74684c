-- Those that have their numbers already, each tenant's in their order.
INSERT INTO feed (position, tenant, seq, event, object_id, numbered_at)
SELECT row_number() OVER (ORDER BY o.at, o.tenant_id, o.seq), o.tenant_id, o.seq, o.event, o.object_id, o.at FROM (
    SELECT x.tenant_id, x.seq, x.event, x.object_id, max(x.at) OVER (PARTITION BY x.tenant_id ORDER BY x.seq) AS at
    FROM outbox x WHERE x.seq IS NOT NULL
) o;
INSERT INTO feed_ends (name, position) SELECT 'forgotten', 0 UNION ALL SELECT 'last', COALESCE(max(f.position), 0) FROM feed f;
