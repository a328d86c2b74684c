GRANT SELECT, INSERT, UPDATE (wrapped), DELETE ON data_keys TO rollcall_app;
GRANT DELETE ON signing_keys TO rollcall_app;

-- Until now one key signed, for ten years (3653 days) ahead at most.
UPDATE signing_keys SET covers_until = (extract(epoch FROM now()) * 1000)::bigint + 315619200000;

-- Forced row-level security hides the rows from the owner too, so it pauses for the length of this transaction.
ALTER TABLE credentials NO FORCE ROW LEVEL SECURITY;
UPDATE credentials SET kid = (SELECT kid FROM signing_keys WHERE state = 'active') WHERE kind = 'bearer';
ALTER TABLE credentials FORCE ROW LEVEL SECURITY;

-- How many tokens that end after `at` hang on each key: tenant after tenant, since row-level security shows one at a time.
CREATE FUNCTION live_tokens_by_key(at bigint) RETURNS TABLE (key_id text, tokens bigint) LANGUAGE plpgsql AS $count$
DECLARE
    one uuid;
BEGIN
    FOR one IN SELECT id FROM tenants LOOP
        PERFORM set_config('rollcall.tenant', one::text, true);
        RETURN QUERY
            SELECT credentials.kid::text, count(*) FROM credentials
            WHERE credentials.tenant_id = one AND credentials.kid IS NOT NULL AND credentials.revoked_at IS NULL
              AND credentials.expires_at > at
            GROUP BY credentials.kid;
    END LOOP;
    PERFORM set_config('rollcall.tenant', '', true);
END
$count$;
