INSERT INTO logins (login_key, tenant, credential_id, expires_at)
SELECT login_key, tenant_id, id, expires_at FROM credentials WHERE login_key IS NOT NULL AND revoked_at IS NULL;
UPDATE credentials SET version = 2 WHERE revoked_at IS NOT NULL;

DROP INDEX credentials_login;
ALTER TABLE credentials DROP COLUMN login_key;
