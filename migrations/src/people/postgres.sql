GRANT SELECT, INSERT, DELETE, UPDATE (bytes, stage, settings, progress, outcome, worker, beat_at) ON imports TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON import_parts TO rollcall_app;

-- Parts hold text that is read once: packing them is not worth the time.
ALTER TABLE import_parts ALTER COLUMN body SET STORAGE EXTERNAL;

-- The names of the users who are there already. Forced row-level security hides them from the owner too, so it pauses
-- for the length of this transaction.
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE user_values NO FORCE ROW LEVEL SECURITY;
INSERT INTO user_values (tenant_id, path, value, user_id)
SELECT u.tenant_id, 'name.' || v.part, u.search -> 'name' ->> v.part, u.id
FROM users u, (VALUES ('familyName'), ('givenName')) v (part)
WHERE u.deleted_at IS NULL AND octet_length(u.search -> 'name' ->> v.part) <= 1024
ON CONFLICT DO NOTHING;
ALTER TABLE user_values FORCE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
