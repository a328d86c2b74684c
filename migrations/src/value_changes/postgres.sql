-- Of a user who changes only those values are written that change, not all looked at. The function of fewer arguments stays
-- for nodes of an older version, which may run on for a while.

-- Replaces the state of a live user that still has a version; `added` and `ended`: values of it, `[[path, value], …]`, that
-- come and that end, `ended` NULL: all that are not added. No row: there is no such user, or it has another version, or
-- users are made otherwise by now.
CREATE FUNCTION replace_user(
    of_tenant uuid, of_layout bigint, by_id uuid, expected bigint, called text, called_key text, external text, shown text,
    is_active boolean, whole text, form text, added text, ended text, levels integer, event_id uuid, event text, of_type text,
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
    IF ended IS NULL THEN
        DELETE FROM user_values v WHERE v.tenant_id = of_tenant AND v.user_id = by_id AND (v.path, v.value) NOT IN (
            SELECT n.value ->> 0, n.value ->> 1 FROM jsonb_array_elements(added::jsonb) n
        );
    ELSIF ended <> '[]' THEN
        -- IS TRUE: no join, for which all might be looked through once for each.
        DELETE FROM user_values v WHERE v.tenant_id = of_tenant AND v.user_id = by_id AND ((v.path, v.value) IN (
            SELECT n.value ->> 0, n.value ->> 1 FROM jsonb_array_elements(ended::jsonb) n
        )) IS TRUE;
    END IF;
    IF added <> '[]' THEN
        INSERT INTO user_values (tenant_id, path, value, user_id)
        SELECT of_tenant, n.value ->> 0, n.value ->> 1, by_id FROM jsonb_array_elements(added::jsonb) n
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
