-- The users who are there already.
INSERT INTO user_values (tenant_id, path, value, user_id)
SELECT u.tenant_id, 'displayName', json_extract(u.search, '$.displayName'), u.id
FROM users u
WHERE u.deleted_at IS NULL AND octet_length(json_extract(u.search, '$.displayName')) <= 1024;

INSERT INTO user_values (tenant_id, path, value, user_id)
SELECT DISTINCT u.tenant_id, 'emails.value', json_extract(e.value, '$.value'), u.id
FROM users u, json_each(u.search, '$.emails') e
WHERE u.deleted_at IS NULL AND e.type = 'object' AND octet_length(json_extract(e.value, '$.value')) <= 1024;

INSERT INTO user_values (tenant_id, path, value, user_id)
SELECT u.tenant_id, x.urn || ':' || x.path, json_extract(u.search, '$."' || x.urn || '".' || x.path), u.id
FROM users u, (
    SELECT 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User' AS urn, 'employeeNumber' AS path
    UNION ALL
    SELECT 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User', 'manager.value'
) x
WHERE u.deleted_at IS NULL
    AND octet_length(json_extract(u.search, '$."' || x.urn || '".' || x.path)) <= 1024;
