GRANT SELECT, INSERT, UPDATE, DELETE ON live_blocks TO rollcall_app;
-- The newest block is changed with every batch of numbers: the new row finds room beside the old one.
ALTER TABLE live_blocks SET (fillfactor = 50);

-- Changes that are under way are waited for, in the order in which they take these tables.
LOCK TABLE users, groups, audit IN SHARE ROW EXCLUSIVE MODE;
-- By how much the change of an entry made the number of live users or groups grow; NULL: not at all.
ALTER TABLE audit ADD COLUMN live_delta smallint;
-- Each number leaves a dead row in the index of what waits, through which every list looks.
ALTER TABLE audit SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, vacuum_index_cleanup = on);

-- What is there already. Forced row-level security hides it from the owner too, so it pauses for the
-- length of this transaction.
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE groups NO FORCE ROW LEVEL SECURITY;
INSERT INTO live_blocks (tenant_id, kind, level, first_id, live)
SELECT x.tenant_id, x.kind, l.level, CASE x.place WHEN 0 THEN '00000000-0000-0000-0000-000000000000' ELSE x.id END, LEAST(x.rows - x.place, l.size)
FROM (SELECT 0 AS level, 256 AS size UNION ALL SELECT 1, 64 * 256) l, (
    SELECT u.tenant_id, 'User' AS kind, u.id, count(*) OVER (PARTITION BY u.tenant_id) AS rows,
        row_number() OVER (PARTITION BY u.tenant_id ORDER BY u.id) - 1 AS place
    FROM users u WHERE u.deleted_at IS NULL
    UNION ALL
    SELECT g.tenant_id, 'Group' AS kind, g.id, count(*) OVER (PARTITION BY g.tenant_id) AS rows,
        row_number() OVER (PARTITION BY g.tenant_id ORDER BY g.id) - 1 AS place
    FROM groups g WHERE g.deleted_at IS NULL
) x WHERE x.place % l.size = 0;
ALTER TABLE groups FORCE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;

-- The functions below are planned once a session, and look at what waits by its index, however small the tables were then.
-- What waits is compared by a cast of its object, so that no index of objects is tried: that one holds what has its number.
-- Those that are STABLE see all they read in the one snapshot of the statement that calls them.

-- How many users or groups of a tenant are live.
CREATE FUNCTION live_total(of_tenant uuid, of_kind text) RETURNS bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $total$
BEGIN
    RETURN (
        SELECT COALESCE(sum(b.live), 0) FROM live_blocks b
        WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 1
    ) + (
        SELECT COALESCE(sum(a.live_delta), 0) FROM audit a
        WHERE a.tenant_id = of_tenant AND a.seq IS NULL AND a.live_delta IS NOT NULL AND a.object_type = of_kind
    );
END
$total$;

-- From where a part of a list by id is read: from an id on, rows to skip from there. After a row (`past`) or from a place
-- counted from 0. `total`: of all, or (not `whole`, after a row) of those after it.
CREATE FUNCTION live_place(
    of_tenant uuid, of_kind text, place bigint, past uuid, whole boolean,
    OUT first uuid, OUT skipped bigint, OUT total bigint
) LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $place$
DECLARE
    highest CONSTANT uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    -- Where a block of each level ends.
    following uuid;
    far uuid;
    passed bigint;
BEGIN
    first := COALESCE(past, '00000000-0000-0000-0000-000000000000');
    skipped := 0;
    IF past IS NOT NULL AND NOT whole THEN
        far := COALESCE((
            SELECT b.first_id FROM live_blocks b
            WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 1 AND b.first_id > past
            ORDER BY b.first_id LIMIT 1
        ), highest);
        following := COALESCE((
            SELECT b.first_id FROM live_blocks b
            WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 0 AND b.first_id > past
            ORDER BY b.first_id LIMIT 1
        ), highest);
        total := (
            SELECT COALESCE(sum(b.live), 0) FROM live_blocks b
            WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 1 AND b.first_id >= far
        ) + (
            SELECT COALESCE(sum(b.live), 0) FROM live_blocks b
            WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 0 AND b.first_id >= following
                AND b.first_id < far
        ) + (
            SELECT COALESCE(sum(a.live_delta), 0) FROM audit a
            WHERE a.tenant_id = of_tenant AND a.seq IS NULL AND a.live_delta IS NOT NULL AND a.object_type = of_kind
                AND a.object_id::uuid >= following
        );
        IF of_kind = 'User' THEN
            total := total + (
                SELECT count(*) FROM users u
                WHERE u.tenant_id = of_tenant AND u.id > past AND u.id < following AND u.deleted_at IS NULL
            );
        ELSE
            total := total + (
                SELECT count(*) FROM groups g
                WHERE g.tenant_id = of_tenant AND g.id > past AND g.id < following AND g.deleted_at IS NULL
            );
        END IF;
    ELSIF past IS NULL AND place > 0 THEN
        -- What is before a block are the blocks before it and what waits of lower ids. There may be no block yet.
        SELECT x.id, x.before, x.live INTO first, passed, total FROM (
            SELECT p.id, p.sort, sum(p.live) OVER () AS live,
                sum(p.live) OVER (ORDER BY p.id, p.sort ROWS UNBOUNDED PRECEDING) - p.live AS before
            FROM (
                SELECT first AS id, 0 AS sort, 0 AS live
                UNION ALL
                SELECT b.first_id, 1, b.live FROM live_blocks b
                WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 1
                UNION ALL
                SELECT a.object_id::uuid, 2, a.live_delta FROM audit a
                WHERE a.tenant_id = of_tenant AND a.seq IS NULL AND a.live_delta IS NOT NULL AND a.object_type = of_kind
            ) p
        ) x WHERE x.sort < 2 AND x.before <= place ORDER BY x.id DESC, x.sort DESC LIMIT 1;
        far := COALESCE((
            SELECT b.first_id FROM live_blocks b
            WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 1 AND b.first_id > first
            ORDER BY b.first_id LIMIT 1
        ), highest);
        SELECT x.id, place - x.before INTO first, skipped FROM (
            SELECT p.id, p.sort,
                passed + sum(p.live) OVER (ORDER BY p.id, p.sort ROWS UNBOUNDED PRECEDING) - p.live AS before
            FROM (
                SELECT first AS id, 0 AS sort, 0 AS live
                UNION ALL
                SELECT b.first_id, 1, b.live FROM live_blocks b
                WHERE b.tenant_id = of_tenant AND b.kind = of_kind AND b.level = 0 AND b.first_id >= first AND b.first_id < far
                UNION ALL
                SELECT a.object_id::uuid, 2, a.live_delta FROM audit a
                WHERE a.tenant_id = of_tenant AND a.seq IS NULL AND a.live_delta IS NOT NULL AND a.object_type = of_kind
                    AND a.object_id::uuid >= first AND a.object_id::uuid < far
            ) p
        ) x WHERE x.sort < 2 AND x.before <= place ORDER BY x.id DESC, x.sort DESC LIMIT 1;
    ELSE
        total := live_total(of_tenant, of_kind);
    END IF;
END
$place$;

-- A page of live users by id, from a place counted from 0 or after a row; and one row without an id, with `total` and `more`:
-- are there rows after the page? `levels`: of groups above groups, NULL: groups are not read. They are `id/level,…` of a
-- user, of all users together no more than `most_groups`; the row without an id has their names, `[[id, displayName], …]`
-- by displayName.
-- As part of a walk by startIndex (`of_walker`): goes on after the row that its last page ended with, if it left a mark for
-- this place since `oldest`, and leaves one for the next page, unless the same is there since `recent`. `total` counts what
-- `whole` says, of a walk that goes on what is left and the place.
CREATE FUNCTION page_of_users(
    of_tenant uuid, place bigint, past uuid, whole boolean, most bigint, levels integer, most_groups bigint,
    of_walker text, of_query bytea, moment bigint, oldest bigint, recent bigint
) RETURNS TABLE (
    id uuid, user_name text, active boolean, document text, version bigint, created_at bigint, updated_at bigint,
    deleted_at bigint, groups text, total bigint, more boolean
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
SET jit = off AS $page$
#variable_conflict use_column
DECLARE
    deepest integer := 0;
    goes_on boolean := false;
BEGIN
    PERFORM set_config('rollcall.tenant', of_tenant::text, true);
    IF levels IS NOT NULL AND EXISTS (
        SELECT 1 FROM members m WHERE m.tenant_id = of_tenant AND m.subgroup_id IS NOT NULL
    ) THEN
        deepest := levels;
    END IF;
    -- A mark is found by its key; `+ 0` keeps the planner from the index of times.
    IF of_walker IS NOT NULL AND place > 0 THEN
        SELECT k.after_id INTO past FROM walk_marks k
        WHERE k.tenant_id = of_tenant AND k.walker = of_walker AND k.query = of_query AND k.start_index = place + 1
            AND k.at + 0 >= oldest;
        goes_on := past IS NOT NULL;
    END IF;
    IF of_walker IS NOT NULL AND NOT goes_on AND most > 0 THEN
        -- What is left of walks that nobody can follow any more.
        DELETE FROM walk_marks k WHERE k.tenant_id = of_tenant AND k.at < oldest;
        DELETE FROM walk_snapshots s WHERE s.tenant_id = of_tenant AND s.at < oldest;
    END IF;
    RETURN QUERY
    WITH RECURSIVE spot AS MATERIALIZED (
        SELECT s.first, s.skipped, s.total
        FROM live_place(of_tenant, 'User', place, past, whole AND NOT goes_on) s
    ), page AS MATERIALIZED (
        -- One more than the page, to see whether there is one.
        SELECT u.id FROM users u
        WHERE u.tenant_id = of_tenant AND u.deleted_at IS NULL AND u.id >= (SELECT s.first FROM spot s)
            AND (past IS NULL OR u.id > past)
        ORDER BY u.id LIMIT CASE most WHEN 0 THEN 0 ELSE most + 1 END OFFSET (SELECT s.skipped FROM spot s)
    ), ends AS MATERIALIZED (
        SELECT LEAST(e.read, most) AS read, e.read > most AS more, e.ids[1] AS first, e.ids[LEAST(e.read, most)] AS last
        FROM (SELECT count(*) AS read, array_agg(p.id) AS ids FROM page p) e
    ), left_mark AS (
        INSERT INTO walk_marks AS k (tenant_id, walker, query, start_index, after_id, at)
        SELECT of_tenant, of_walker, of_query, place + e.read + 1, e.last, moment FROM ends e
        WHERE of_walker IS NOT NULL AND e.read > 0 AND (e.more OR goes_on) AND NOT EXISTS (
            SELECT 1 FROM walk_marks f
            WHERE f.tenant_id = of_tenant AND f.walker = of_walker AND f.query = of_query
                AND f.start_index = place + e.read + 1 AND f.after_id = e.last AND f.at + 0 >= recent
        )
        ON CONFLICT (tenant_id, walker, query, start_index) DO UPDATE SET
            after_id = excluded.after_id, snapshot_id = NULL, snapshot_position = NULL, at = excluded.at
    ), up (member_id, group_id, level) AS (
        SELECT m.member_id, m.group_id, 0 FROM members m
        WHERE levels IS NOT NULL AND m.tenant_id = of_tenant AND m.user_id IS NOT NULL
            AND m.member_id >= (SELECT e.first FROM ends e) AND m.member_id <= (SELECT e.last FROM ends e)
        UNION
        SELECT up.member_id, s.group_id, up.level + 1 FROM up
        JOIN members s ON s.tenant_id = of_tenant AND s.member_id = up.group_id AND s.subgroup_id IS NOT NULL
        WHERE up.level < deepest
    ), edges AS MATERIALIZED (
        SELECT up.member_id, up.group_id, up.level FROM up LIMIT most_groups
    ), told AS (
        SELECT d.member_id, string_agg(d.group_id::text || '/' || d.level, ',') AS groups FROM edges d GROUP BY d.member_id
    ), named AS (
        SELECT json_agg(json_build_array(g.id, g.display_name) ORDER BY g.display_name_key, g.id)::text AS groups
        FROM (SELECT DISTINCT d.group_id FROM edges d) d, LATERAL (
            SELECT g.id, g.display_name, g.display_name_key FROM groups g
            WHERE g.tenant_id = of_tenant AND g.id = d.group_id LIMIT 1
        ) g
    )
    SELECT NULL::uuid, NULL::text, NULL::boolean, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
        n.groups, CASE WHEN goes_on THEN place + s.total ELSE s.total END, e.more
    FROM spot s, ends e, named n
    UNION ALL
    SELECT u.id, u.user_name, u.active, u.document, u.version, u.created_at, u.updated_at, u.deleted_at,
        t.groups, NULL, NULL
    FROM ends e
    JOIN users u ON u.tenant_id = of_tenant AND u.deleted_at IS NULL AND u.id >= e.first AND u.id <= e.last
    LEFT JOIN told t ON t.member_id = u.id;
END
$page$;

-- As before, with the kept totals.
CREATE OR REPLACE FUNCTION tenant_summaries(ids uuid[], moment bigint) RETURNS TABLE (
    tenant uuid, users bigint, groups bigint, credentials bigint, live bigint, next_end bigint, last_used bigint
) LANGUAGE plpgsql AS $summaries$
DECLARE
    one uuid;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        RETURN QUERY
            SELECT one,
                live_total(one, 'User'),
                live_total(one, 'Group'),
                count(*),
                count(*) FILTER (WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > moment)),
                min(c.expires_at) FILTER (WHERE c.revoked_at IS NULL AND c.name_key IS NOT NULL AND c.expires_at > moment),
                max(c.last_used_at)
            FROM credentials c WHERE c.tenant_id = one AND c.user_id IS NULL;
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
END
$summaries$;

CREATE OR REPLACE FUNCTION users_of_tenants(ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $users$
DECLARE
    one uuid;
    found bigint := 0;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        found := found + live_total(one, 'User');
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
    RETURN found;
END
$users$;
