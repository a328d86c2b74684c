-- What identity providers do with groups most, in one round trip each: see the migration of single calls.

-- The first members of a group as `[[id, isUser, displayName], …]`, by id, at most so many; NULL: none. Names are looked up one by
-- one: PostgreSQL would rather read all users of a tenant than join a thousand of them by their ids.
CREATE FUNCTION members_of_group(of_tenant uuid, of_group uuid, most integer) RETURNS text
LANGUAGE plpgsql STABLE AS $members$
BEGIN
    RETURN (
        SELECT json_agg(json_build_array(m.member_id, m.user_id IS NOT NULL, COALESCE(
            (SELECT u.display_name FROM users u WHERE u.tenant_id = of_tenant AND u.id = m.user_id),
            (SELECT g.display_name FROM groups g WHERE g.tenant_id = of_tenant AND g.id = m.subgroup_id)
        )) ORDER BY m.member_id)::text
        FROM (
            SELECT e.member_id, e.user_id, e.subgroup_id FROM members e
            WHERE e.tenant_id = of_tenant AND e.group_id = of_group ORDER BY e.member_id LIMIT most
        ) m
    );
END
$members$;

-- One user comes into a group or leaves it, with the roles that the group gives, and all of it is told. Locks are taken in the
-- order of all changes of groups: users first. `outcome`: `changed`; `same`, nothing had to be done; `other`, nothing was done, as
-- it is more than this function knows: no such group or user, a group as a member, another name of the group (or another
-- mapping of names to roles) than the roles were made for, a protected role that somebody would lose, more events than ids.
-- `few`: members are read when there are no more than that; NULL: they are not asked for.
CREATE FUNCTION move_member(
    of_tenant uuid, of_mapping bigint, mapping_lock bigint, of_group uuid, shown text, external text, who uuid, joins boolean,
    role_keys text[], called_roles text[], protected_roles text[], few integer, kind text, actor text, actor_called text,
    caused_by text, happened_at bigint, event_ids uuid[], salts bytea[]
) RETURNS TABLE (
    outcome text, id uuid, display_name text, document text, version bigint, created_at bigint, updated_at bigint,
    members text, more_members boolean
) LANGUAGE plpgsql AS $move$
#variable_conflict use_column
DECLARE
    row_of_group groups%ROWTYPE;
    user_version bigint;
    held integer;
    a_key text;
    keys text[];
    moved boolean := true;
    used integer := 1;
    group_told text;
    content text;
BEGIN
    PERFORM set_config('rollcall.tenant', of_tenant::text, true), set_config('lock_timeout', '20s', true);
    outcome := 'other';
    IF of_mapping IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(mapping_lock);
        IF NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = of_tenant AND t.mapping_version = of_mapping) THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    IF joins THEN
        SELECT u.version INTO user_version FROM users u
        WHERE u.tenant_id = of_tenant AND u.id = who AND u.deleted_at IS NULL FOR SHARE;
    ELSE
        SELECT u.version INTO user_version FROM users u WHERE u.tenant_id = of_tenant AND u.id = who;
    END IF;
    IF user_version IS NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT g.* INTO row_of_group FROM groups g
    WHERE g.tenant_id = of_tenant AND g.id = of_group AND g.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND OR row_of_group.display_name IS DISTINCT FROM shown
        OR row_of_group.external_id IS DISTINCT FROM external
    THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF joins THEN
        INSERT INTO members (tenant_id, group_id, member_id, user_id) VALUES (of_tenant, of_group, who, who)
        ON CONFLICT DO NOTHING;
        moved := FOUND;
    ELSE
        SELECT count(*) INTO held FROM role_grants r
        WHERE r.tenant_id = of_tenant AND r.group_id = of_group AND r.user_id = who;
        IF held >= cardinality(event_ids) OR (held > 0 AND EXISTS (
            SELECT 1 FROM role_grants r WHERE r.tenant_id = of_tenant AND r.group_id = of_group AND r.user_id = who
                AND r.role_key = ANY (protected_roles)
        )) THEN
            RETURN NEXT;
            RETURN;
        END IF;
        DELETE FROM members m WHERE m.tenant_id = of_tenant AND m.group_id = of_group AND m.member_id = who;
        moved := FOUND;
    END IF;
    outcome := 'same';
    IF moved THEN
        outcome := 'changed';
        UPDATE groups AS g SET version = g.version + 1, updated_at = happened_at
        WHERE g.tenant_id = of_tenant AND g.id = of_group
        RETURNING g.* INTO row_of_group;
        group_told := '"group":{"id":"' || of_group || '","display":' || to_json(row_of_group.display_name)::text || '}';
        content := '{' || group_told || ',"member":{"id":"' || who || '","type":"User"}}';
        PERFORM record_event(
            of_tenant, event_ids[1], CASE WHEN joins THEN 'membership.added' ELSE 'membership.removed' END, 'User',
            who::text, user_version, kind, actor, actor_called, caused_by, happened_at, salts[1], content,
            sha256(salts[1] || convert_to(content, 'UTF8')), NULL
        );
        IF joins AND cardinality(role_keys) > 0 THEN
            INSERT INTO roles (tenant_id, key, name, created_at)
            SELECT of_tenant, w.key, w.name, happened_at FROM unnest(role_keys, called_roles) AS w (key, name) ORDER BY w.key
            ON CONFLICT DO NOTHING;
        END IF;
        keys := ARRAY[]::text[];
        IF NOT joins AND held > 0 THEN
            WITH ended AS (
                DELETE FROM role_grants r WHERE r.tenant_id = of_tenant AND r.user_id = who AND r.group_id = of_group
                RETURNING r.role_key
            ) SELECT COALESCE(array_agg(e.role_key), ARRAY[]::text[]) INTO keys FROM ended e;
        ELSIF joins AND cardinality(role_keys) > 0 THEN
            WITH begun AS (
                INSERT INTO role_grants (tenant_id, user_id, group_id, role_key)
                SELECT of_tenant, who, of_group, k.key FROM unnest(role_keys) AS k (key) ON CONFLICT DO NOTHING
                RETURNING role_key
            ) SELECT COALESCE(array_agg(b.role_key), ARRAY[]::text[]) INTO keys FROM begun b;
        END IF;
        FOREACH a_key IN ARRAY keys
        LOOP
            used := used + 1;
            content := '{"role":{"key":' || to_json(a_key)::text || ',"name":' || COALESCE(
                (SELECT to_json(r.name)::text FROM roles r WHERE r.tenant_id = of_tenant AND r.key = a_key),
                to_json(a_key)::text
            ) || '},' || group_told || '}';
            PERFORM record_event(
                of_tenant, event_ids[used], CASE WHEN joins THEN 'role.granted' ELSE 'role.revoked' END, 'User', who::text,
                user_version, kind, actor, actor_called, caused_by, happened_at, salts[used], content,
                sha256(salts[used] || convert_to(content, 'UTF8')), NULL
            );
        END LOOP;
    END IF;
    id := row_of_group.id;
    display_name := row_of_group.display_name;
    document := row_of_group.document;
    version := row_of_group.version;
    created_at := row_of_group.created_at;
    updated_at := row_of_group.updated_at;
    more_members := false;
    IF few IS NOT NULL THEN
        more_members := (
            SELECT m.member_id FROM members m WHERE m.tenant_id = of_tenant AND m.group_id = of_group
            ORDER BY m.member_id LIMIT 1 OFFSET few
        ) IS NOT NULL;
        IF NOT more_members THEN
            members := members_of_group(of_tenant, of_group, few);
        END IF;
    END IF;
    RETURN NEXT;
END
$move$;
