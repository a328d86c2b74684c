-- The index of parts of names: what takes extensions that not every PostgreSQL offers. Tried after all migrations, each
-- time, until it is there; without it filters find the same, by looking at all names of the tenant.
DO $parts$
DECLARE
    home text := quote_ident(current_schema());
    trigrams text;
BEGIN
    IF to_regprocedure('users_holding(text, bigint, text, boolean)') IS NOT NULL
        AND to_regprocedure('file_new_parts()') IS NOT NULL AND to_regclass('user_values_parts') IS NOT NULL
    THEN
        RETURN;
    END IF;
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE EXTENSION IF NOT EXISTS btree_gin;
        -- They may be there already, in a schema of their own.
        SELECT quote_ident(n.nspname) INTO trigrams
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
        -- New entries wait in a list that each search reads: half a megabyte of it takes a millisecond.
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS user_values_parts ON user_values USING gin (tenant_id, value %s.gin_trgm_ops)
             WITH (gin_pending_list_limit = 512) WHERE path = ''*''', trigrams);
        -- Under row-level security LIKE reaches no index. So one function looks for the owner, who sees the rows of this
        -- table that its own query names, and it names those of the tenant that is set. It gives ids and nothing else.
        DROP POLICY IF EXISTS user_values_of_owner ON user_values;
        EXECUTE format('CREATE POLICY user_values_of_owner ON user_values FOR SELECT TO %I USING (true)', current_user);
        -- `mark`: of whom the values behind it hold the part (`ends`: end with it); NULL: anything.
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION %1$s.users_holding(part text, most bigint, mark text, ends boolean)
             RETURNS SETOF uuid
             LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp AS $find$
             DECLARE
                 tenant uuid := NULLIF(current_setting(''rollcall.tenant'', true), '''')::uuid;
                 pattern text := ''%%'' || replace(replace(replace(part, ''\'', ''\\''), ''%%'', ''\%%''), ''_'', ''\_'') || ''%%'';
                 told text := part || CASE WHEN ends THEN chr(31) ELSE '''' END;
             BEGIN
                 IF mark IS NULL THEN
                     RETURN QUERY SELECT v.user_id FROM %1$s.user_values v
                     WHERE v.tenant_id = tenant AND v.path = ''*'' AND v.value LIKE pattern LIMIT most;
                 ELSE
                     RETURN QUERY SELECT v.user_id FROM %1$s.user_values v
                     WHERE v.tenant_id = tenant AND v.path = ''*'' AND v.value LIKE pattern
                         AND strpos(split_part(split_part(v.value, mark, 2), chr(10), 1) || chr(31), told) > 0
                     LIMIT most;
                 END IF;
             END
             $find$', home);
        EXECUTE format('REVOKE ALL ON FUNCTION %s.users_holding(text, bigint, text, boolean) FROM PUBLIC', home);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s.users_holding(text, bigint, text, boolean) TO rollcall_app', home);
        -- Puts what waits into the index; gives how many pages of it there were. The owner of an index alone may.
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION %1$s.file_new_parts() RETURNS bigint
             LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $file$
                 SELECT COALESCE(sum(gin_clean_pending_list(i.oid)), 0)::bigint FROM pg_class i WHERE i.relkind = ''i'' AND (
                     i.oid = ''%1$s.user_values_parts''::regclass
                     OR i.oid IN (SELECT p.inhrelid FROM pg_inherits p WHERE p.inhparent = ''%1$s.user_values_parts''::regclass)
                 )
             $file$', home);
        EXECUTE format('REVOKE ALL ON FUNCTION %s.file_new_parts() FROM PUBLIC', home);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s.file_new_parts() TO rollcall_app', home);
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'texts inside of names get no index: %', SQLERRM;
    END;
END
$parts$;
