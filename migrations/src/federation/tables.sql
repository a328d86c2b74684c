-- Credentials that are proven by the signature of a tenant's identity provider instead of ours: whose tokens are taken.
-- The directory itself is the login of the credential, and so unique on the platform.
CREATE TABLE federations (
    tenant_id {uuid} NOT NULL,
    -- A credential of kind bearer: its scope, end, networks, last use and revocation are those of any other.
    credential_id {uuid} NOT NULL,
    -- `iss`, `aud` and `tid` of the tokens, to the letter.
    issuer text NOT NULL,
    audience text NOT NULL,
    directory {uuid} NOT NULL,
    -- Where the issuer's keys are; NULL: its OpenID configuration says so.
    keys_url text,
    PRIMARY KEY (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, id)
);
