GRANT SELECT, INSERT, DELETE ON user_values TO rollcall_app;
GRANT SELECT, INSERT, DELETE, UPDATE (at) ON walk_snapshots TO rollcall_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON walk_marks TO rollcall_app;

-- Parts of a snapshot are read without unpacking all of it.
ALTER TABLE walk_snapshots ALTER COLUMN ids SET STORAGE EXTERNAL;

-- The users who are there already. Forced row-level security hides them from the owner too, so it pauses for the length
-- of this transaction.
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
INSERT INTO user_values (tenant_id, path, value, user_id)
SELECT u.tenant_id, v.path, v.value, u.id
FROM users u, LATERAL (
    SELECT 'displayName', u.search ->> 'displayName'
    UNION
    SELECT 'emails.value', e.value ->> 'value'
    FROM jsonb_array_elements(CASE jsonb_typeof(u.search -> 'emails') WHEN 'array' THEN u.search -> 'emails' END) e (value)
    UNION
    SELECT x.urn || ':employeeNumber', u.search -> x.urn ->> 'employeeNumber'
    FROM (VALUES ('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User')) x (urn)
    UNION
    SELECT x.urn || ':manager.value', u.search -> x.urn -> 'manager' ->> 'value'
    FROM (VALUES ('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User')) x (urn)
) v (path, value)
WHERE u.deleted_at IS NULL AND v.value IS NOT NULL AND octet_length(v.value) <= 1024;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
