-- Access tokens that were revoked before their end. One that nobody revoked has no row: its client's row in credentials
-- speaks for it.
CREATE TABLE revoked_tokens (
    tenant_id {uuid} NOT NULL,
    -- `jti` of the token.
    token_id {uuid} NOT NULL,
    -- Its end, in milliseconds: from then on the row is of no use.
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, token_id)
);
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (tenant_id, expires_at);
