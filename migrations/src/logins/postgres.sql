GRANT SELECT, INSERT, DELETE ON logins TO rollcall_app;

-- Forced row-level security hides the rows from the owner too, so it pauses for the length of this transaction.
ALTER TABLE credentials NO FORCE ROW LEVEL SECURITY;
INSERT INTO logins (login_key, tenant, credential_id, expires_at)
SELECT login_key, tenant_id, id, expires_at FROM credentials WHERE login_key IS NOT NULL AND revoked_at IS NULL;
UPDATE credentials SET version = 2 WHERE revoked_at IS NOT NULL;
ALTER TABLE credentials FORCE ROW LEVEL SECURITY;

DROP INDEX credentials_login;
ALTER TABLE credentials DROP COLUMN login_key;
