GRANT UPDATE (deleted_at, deleted_by, purging_at, purged_at) ON tenants TO rollcall_app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (challenge, created_at, created_by, proven_at, checked_at, problem, missing_since) ON domains TO rollcall_app;
-- The purge of a tenant.
GRANT DELETE ON credentials, federations, profile_versions TO rollcall_app;

-- What lists of tenants tell of each, tenant after tenant, since row-level security shows one at a time.
CREATE FUNCTION tenant_summaries(ids uuid[], moment bigint) RETURNS TABLE (
    tenant uuid, users bigint, groups bigint, credentials bigint, live bigint, next_end bigint, last_used bigint
) LANGUAGE plpgsql AS $summaries$
DECLARE
    one uuid;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        RETURN QUERY
            SELECT one,
                (SELECT count(*) FROM users u WHERE u.tenant_id = one AND u.deleted_at IS NULL),
                (SELECT count(*) FROM groups g WHERE g.tenant_id = one AND g.deleted_at IS NULL),
                count(*),
                count(*) FILTER (WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > moment)),
                min(c.expires_at) FILTER (WHERE c.revoked_at IS NULL AND c.name_key IS NOT NULL AND c.expires_at > moment),
                max(c.last_used_at)
            FROM credentials c WHERE c.tenant_id = one AND c.user_id IS NULL;
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
END
$summaries$;

-- The number of users of each of these tenants.
CREATE FUNCTION users_of_tenants(ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $users$
DECLARE
    one uuid;
    part bigint;
    found bigint := 0;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        SELECT count(*) INTO part FROM users u WHERE u.tenant_id = one AND u.deleted_at IS NULL;
        found := found + part;
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
    RETURN found;
END
$users$;

-- Live credentials of these tenants that end until then and that no later one has replaced.
CREATE FUNCTION credentials_ending(ids uuid[], moment bigint, until bigint) RETURNS TABLE (
    tenant uuid, id uuid, kind text, name text, hint text, ends_at bigint
) LANGUAGE plpgsql AS $ending$
DECLARE
    one uuid;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        RETURN QUERY
            SELECT one, c.id, c.kind, COALESCE(c.login, c.name), c.hint, c.expires_at FROM credentials c
            WHERE c.tenant_id = one AND c.revoked_at IS NULL AND c.name_key IS NOT NULL AND c.user_id IS NULL
              AND c.expires_at > moment AND c.expires_at <= until;
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
END
$ending$;

-- How many requests of these tenants' addresses were refused since then for their credential, and when last.
CREATE FUNCTION refusals_of_tenants(ids uuid[], since bigint) RETURNS TABLE (
    tenant uuid, refused bigint, last_at bigint
) LANGUAGE plpgsql AS $refusals$
DECLARE
    one uuid;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        RETURN QUERY
            SELECT one, sum(r.count)::bigint, max(r.last_at) FROM refusals r
            WHERE r.tenant_id = one AND r.last_at >= since HAVING count(*) > 0;
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
END
$refusals$;
