-- The groups of a user as `[[id, displayName, level], …]`, as before, but each group and each edge is looked up by its key: joined as tables, all groups of the tenant were read, and all
-- edges between groups, for each user read. The planner keeps a subquery with OFFSET or LIMIT apart.
CREATE OR REPLACE FUNCTION groups_of_user(of_tenant uuid, of_user uuid, levels integer) RETURNS text
LANGUAGE plpgsql STABLE AS $groups$
BEGIN
    RETURN (
        WITH RECURSIVE up (group_id, level) AS (
            SELECT m.group_id, 0 FROM members m WHERE m.tenant_id = of_tenant AND m.member_id = of_user
            UNION
            SELECT s.group_id, up.level + 1 FROM up
            CROSS JOIN LATERAL (
                SELECT e.group_id FROM members e
                WHERE e.tenant_id = of_tenant AND e.member_id = up.group_id AND e.subgroup_id IS NOT NULL
                OFFSET 0
            ) s
            WHERE up.level < levels
        )
        SELECT json_agg(json_build_array(u.group_id, f.display_name, u.level) ORDER BY f.display_name_key, u.group_id)::text
        FROM (SELECT up.group_id, MIN(up.level) AS level FROM up GROUP BY up.group_id) u
        CROSS JOIN LATERAL (
            SELECT g.display_name, g.display_name_key FROM groups g
            WHERE g.tenant_id = of_tenant AND g.id = u.group_id
            LIMIT 1
        ) f
    );
END
$groups$;

-- The same for the groups above those of a page: one join of the function is another one, the rest of it stays.
DO $change$
DECLARE
    held text := pg_get_functiondef('page_of_users'::regproc);
    joined constant text :=
        'JOIN members s ON s.tenant_id = of_tenant AND s.member_id = up.group_id AND s.subgroup_id IS NOT NULL';
    looked_up constant text :=
        'CROSS JOIN LATERAL (
            SELECT e.group_id FROM members e
            WHERE e.tenant_id = of_tenant AND e.member_id = up.group_id AND e.subgroup_id IS NOT NULL
            OFFSET 0
        ) s';
BEGIN
    IF position(joined IN held) = 0 THEN
        RAISE EXCEPTION 'page_of_users is not as it was made';
    END IF;
    EXECUTE replace(held, joined, looked_up);
END
$change$;
