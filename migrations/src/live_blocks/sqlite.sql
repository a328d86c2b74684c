-- By how much the change of an entry made the number of live users or groups grow; NULL: not at all.
ALTER TABLE audit ADD COLUMN live_delta smallint;
CREATE TRIGGER audit_delta_append_only BEFORE UPDATE OF live_delta ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

-- What is there already.
INSERT INTO live_blocks (tenant_id, kind, level, first_id, live)
SELECT x.tenant_id, x.kind, l.level, CASE x.place WHEN 0 THEN X'00000000000000000000000000000000' ELSE x.id END, MIN(x.rows - x.place, l.size)
FROM (SELECT 0 AS level, 256 AS size UNION ALL SELECT 1, 64 * 256) l, (
    SELECT u.tenant_id, 'User' AS kind, u.id, COUNT(*) OVER (PARTITION BY u.tenant_id) AS rows,
        row_number() OVER (PARTITION BY u.tenant_id ORDER BY u.id) - 1 AS place
    FROM users u WHERE u.deleted_at IS NULL
    UNION ALL
    SELECT g.tenant_id, 'Group' AS kind, g.id, COUNT(*) OVER (PARTITION BY g.tenant_id) AS rows,
        row_number() OVER (PARTITION BY g.tenant_id ORDER BY g.id) - 1 AS place
    FROM groups g WHERE g.deleted_at IS NULL
) x WHERE x.place % l.size = 0;
