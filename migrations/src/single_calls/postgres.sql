-- The changes that identity providers make most, in one round trip each: a transaction of its own around a statement costs
-- three more. A function sets the tenant until the statement ends and works as whoever calls it, so row-level security
-- holds in it.

-- The groups of a user as `[[id, displayName, level], …]`, by displayName; NULL: none. `levels`: of groups above groups.
CREATE FUNCTION groups_of_user(of_tenant uuid, of_user uuid, levels integer) RETURNS text
LANGUAGE plpgsql STABLE AS $groups$
BEGIN
    RETURN (
        WITH RECURSIVE up (group_id, level) AS (
            SELECT m.group_id, 0 FROM members m WHERE m.tenant_id = of_tenant AND m.member_id = of_user
            UNION
            SELECT s.group_id, up.level + 1 FROM up
            JOIN members s ON s.tenant_id = of_tenant AND s.member_id = up.group_id AND s.subgroup_id IS NOT NULL
            WHERE up.level < levels
        )
        SELECT json_agg(json_build_array(f.id, f.display_name, f.level) ORDER BY f.display_name_key, f.id)::text
        FROM (
            SELECT g.id, g.display_name, g.display_name_key, MIN(up.level) AS level
            FROM up JOIN groups g ON g.tenant_id = of_tenant AND g.id = up.group_id
            GROUP BY g.id, g.display_name, g.display_name_key
        ) f
    );
END
$groups$;

-- An event of one resource (`delta`: by how much the number of live ones grows): its content, its entry in the trail and its
-- row for those who take events.
CREATE FUNCTION record_event(
    of_tenant uuid, event_id uuid, name text, of_type text, of_object text, of_version bigint, kind text, actor text,
    actor_called text, caused_by text, happened_at bigint, with_salt bytea, content text, content_digest bytea,
    delta smallint
) RETURNS void LANGUAGE plpgsql AS $event$
BEGIN
    INSERT INTO payloads (tenant_id, id, object_type, object_id, salt, body)
    VALUES (of_tenant, event_id, of_type, of_object, with_salt, content);
    INSERT INTO audit (
        tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at,
        payload_id, digest, live_delta
    ) VALUES (
        of_tenant, event_id, name, of_type, of_object, of_version, kind, actor, actor_called, caused_by, happened_at,
        event_id, content_digest, delta
    );
    INSERT INTO outbox (
        tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at,
        payload_id, digest
    ) VALUES (
        of_tenant, event_id, name, of_type, of_object, of_version, kind, actor, actor_called, caused_by, happened_at,
        event_id, content_digest
    );
END
$event$;

-- Makes a user with its indexed values (`[[path, value], …]`, each once) and its event. False: users of the tenant are made otherwise
-- by now.
CREATE FUNCTION create_user(
    of_tenant uuid, of_layout bigint, by_id uuid, called text, called_key text, external text, shown text,
    is_active boolean, whole text, form text, indexed text, event_id uuid, event text, of_type text, of_object text,
    of_version bigint, kind text, actor text, actor_called text, caused_by text, happened_at bigint, with_salt bytea,
    content text, content_digest bytea, delta smallint
) RETURNS boolean LANGUAGE plpgsql AS $create$
BEGIN
    PERFORM set_config('rollcall.tenant', of_tenant::text, true), set_config('lock_timeout', '20s', true);
    IF of_layout IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = of_tenant AND t.layout_version = of_layout)
    THEN
        RETURN false;
    END IF;
    INSERT INTO users (
        tenant_id, id, user_name, user_name_key, external_id, display_name, active, document, search, version, created_at,
        updated_at
    ) VALUES (
        of_tenant, by_id, called, called_key, external, shown, is_active, whole, form::jsonb, 1, happened_at, happened_at
    );
    INSERT INTO user_values (tenant_id, path, value, user_id)
    SELECT of_tenant, v.value ->> 0, v.value ->> 1, by_id FROM jsonb_array_elements(indexed::jsonb) v;
    PERFORM record_event(
        of_tenant, event_id, event, of_type, of_object, of_version, kind, actor, actor_called, caused_by, happened_at,
        with_salt, content, content_digest, delta
    );
    RETURN true;
END
$create$;

-- Replaces the state of a live user that still has a version; `indexed`: its values, NULL: they stay. No row: there is no
-- such user, or it has another version, or users are made otherwise by now.
CREATE FUNCTION replace_user(
    of_tenant uuid, of_layout bigint, by_id uuid, expected bigint, called text, called_key text, external text, shown text,
    is_active boolean, whole text, form text, indexed text, levels integer, event_id uuid, event text, of_type text,
    of_object text, of_version bigint, kind text, actor text, actor_called text, caused_by text, happened_at bigint,
    with_salt bytea, content text, content_digest bytea, delta smallint
) RETURNS TABLE (groups text) LANGUAGE plpgsql AS $replace$
BEGIN
    PERFORM set_config('rollcall.tenant', of_tenant::text, true), set_config('lock_timeout', '20s', true);
    UPDATE users AS u SET
        user_name = called, user_name_key = called_key, external_id = external, display_name = shown, active = is_active,
        document = whole, search = form::jsonb, version = u.version + 1, updated_at = happened_at
    WHERE u.tenant_id = of_tenant AND u.id = by_id AND u.version = expected AND u.deleted_at IS NULL AND (
        of_layout IS NULL
        OR EXISTS (SELECT 1 FROM tenants t WHERE t.id = of_tenant AND t.layout_version = of_layout)
    );
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF indexed IS NOT NULL THEN
        DELETE FROM user_values v WHERE v.tenant_id = of_tenant AND v.user_id = by_id AND (v.path, v.value) NOT IN (
            SELECT n.value ->> 0, n.value ->> 1 FROM jsonb_array_elements(indexed::jsonb) n
        );
        INSERT INTO user_values (tenant_id, path, value, user_id)
        SELECT of_tenant, n.value ->> 0, n.value ->> 1, by_id FROM jsonb_array_elements(indexed::jsonb) n
        ON CONFLICT DO NOTHING;
    END IF;
    PERFORM record_event(
        of_tenant, event_id, event, of_type, of_object, of_version, kind, actor, actor_called, caused_by, happened_at,
        with_salt, content, content_digest, delta
    );
    -- No EXISTS: it may be made into a hash of all members.
    RETURN QUERY SELECT CASE WHEN (
        SELECT m.group_id FROM members m WHERE m.tenant_id = of_tenant AND m.member_id = by_id LIMIT 1
    ) IS NOT NULL THEN groups_of_user(of_tenant, by_id, levels) END;
END
$replace$;

-- Values are written beside their user, in one transaction with it, and say nothing that the user does not say. A foreign key
-- looks the user up once more for each of them.
ALTER TABLE user_values DROP CONSTRAINT user_values_tenant_id_user_id_fkey;

-- Rows of more than 2 kB are compressed; LZ4 costs less time than PostgreSQL's own way. Not every server has it.
DO $compression$
BEGIN
    ALTER TABLE users ALTER COLUMN document SET COMPRESSION lz4;
    ALTER TABLE users ALTER COLUMN search SET COMPRESSION lz4;
    ALTER TABLE groups ALTER COLUMN document SET COMPRESSION lz4;
    ALTER TABLE groups ALTER COLUMN search SET COMPRESSION lz4;
    ALTER TABLE payloads ALTER COLUMN body SET COMPRESSION lz4;
    ALTER TABLE request_log ALTER COLUMN request_body SET COMPRESSION lz4;
    ALTER TABLE request_log ALTER COLUMN response_body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR syntax_error THEN
    NULL;
END
$compression$;

-- Tables that have just been filled: until their statistics are taken (by autovacuum some minutes later), plans are made
-- for empty tables, and may read a whole tenant for each row. Called now and then; each table again only when it has grown
-- to twice its size, and from a small sample, as this is no more than a beginning. Gives how many were looked at.
CREATE FUNCTION analyze_grown_tables() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET default_statistics_target = 10 AS $analyze$
DECLARE
    grown regclass;
    analyzed integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(8243108411979461989) THEN
        RETURN 0;
    END IF;
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
REVOKE EXECUTE ON FUNCTION analyze_grown_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_grown_tables() TO rollcall_app;
