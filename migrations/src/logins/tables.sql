-- To whom a user name belongs, on the whole platform. On the shared host the tenant is learnt from it, so it is read
-- before any tenant is set. The table belongs to the installation and holds no secret; hence the login leads the key, and
-- the column is not called tenant_id, which marks what row-level security keeps apart.
CREATE TABLE logins (
    login_key {key} NOT NULL PRIMARY KEY,
    tenant {uuid} NOT NULL,
    credential_id {uuid} NOT NULL,
    -- The credential's own. From then on another tenant may take the name, and it cannot see that credential.
    expires_at bigint,
    FOREIGN KEY (tenant, credential_id) REFERENCES credentials (tenant_id, id)
);

-- Counts the changes of a credential: made, rotated, revoked.
ALTER TABLE credentials ADD COLUMN version bigint NOT NULL DEFAULT 1;
