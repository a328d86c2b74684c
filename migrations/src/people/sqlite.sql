-- The names of the users who are there already.
INSERT INTO user_values (tenant_id, path, value, user_id)
SELECT u.tenant_id, 'name.' || v.part, json_extract(u.search, '$.name.' || v.part), u.id
FROM users u, (SELECT 'familyName' AS part UNION ALL SELECT 'givenName') v
WHERE u.deleted_at IS NULL AND octet_length(json_extract(u.search, '$.name.' || v.part)) <= 1024
ON CONFLICT DO NOTHING;
