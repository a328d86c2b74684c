-- The application role. It belongs to the whole cluster, so another database's migration may be making or granting it
-- at this very moment; whoever comes second finds it done.
DO $role$
DECLARE
    may_set text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_app') THEN
            CREATE ROLE rollcall_app NOLOGIN;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN
            NULL;
        WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'The login % may not create the role rollcall_app. Let a superuser run: CREATE ROLE rollcall_app NOLOGIN; GRANT rollcall_app TO %; then migrate again.', current_user, quote_ident(current_user);
    END;
    FOR attempt IN 1..20 LOOP
        EXIT WHEN pg_has_role(current_user, 'rollcall_app', may_set);
        BEGIN
            EXECUTE format('GRANT rollcall_app TO %I', current_user);
        EXCEPTION
            WHEN unique_violation OR internal_error THEN
                PERFORM pg_sleep(0.05);
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'The login % may not become rollcall_app. Let a superuser run: GRANT rollcall_app TO %; then migrate again.', current_user, quote_ident(current_user);
        END;
    END LOOP;
    IF NOT has_schema_privilege('rollcall_app', current_schema(), 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO rollcall_app', current_schema());
    END IF;
END
$role$;

-- What the server does with each table, and no more.
GRANT SELECT ON seaql_migrations, installation TO rollcall_app;
GRANT SELECT, UPDATE ON epochs TO rollcall_app;
GRANT SELECT, INSERT, UPDATE ON credentials, signing_keys TO rollcall_app;
-- A slug is never changed, nor an id.
GRANT SELECT, INSERT, UPDATE (
    name, name_key, status, profile_name, profile_version, compatibility, gate_open, organization, version, updated_at
) ON tenants TO rollcall_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON admins, admin_sessions, value_sets, users, groups, members, roles, role_grants, request_log TO rollcall_app;
GRANT SELECT, INSERT ON profile_versions, audit, outbox TO rollcall_app;
GRANT SELECT, INSERT, DELETE, UPDATE (body) ON payloads TO rollcall_app;

-- A tenant's rows are seen and written only in a transaction that has set this tenant, by the owner too.
DO $rls$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'profile_versions', 'value_sets', 'credentials', 'users', 'groups', 'members', 'roles', 'role_grants',
        'payloads', 'audit', 'outbox', 'request_log'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (tenant_id = NULLIF(current_setting(''rollcall.tenant'', true), '''')::uuid)
             WITH CHECK (tenant_id = NULLIF(current_setting(''rollcall.tenant'', true), '''')::uuid)',
            tenant_table || '_of_tenant', tenant_table);
    END LOOP;
END
$rls$;
