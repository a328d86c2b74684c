-- Links with which a customer's administrator sets one tenant up without an account. A link is found by the digest of its
-- secret, before its tenant is known: so it belongs to the platform, as user names of credentials do.
CREATE TABLE setup_links (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant {uuid} NOT NULL REFERENCES tenants (id),
    secret_hash {bytes} NOT NULL,
    -- For whom it is, in the words of whoever made it.
    note text NOT NULL,
    -- The operator who made it; once they are none any more it opens nothing. No foreign key: they may go.
    issuer {uuid} NOT NULL,
    issuer_name text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint,
    -- How often it was exchanged for a session, and when last.
    openings integer NOT NULL,
    opened_at bigint,
    -- The one credential that it made.
    credential_id {uuid},
    used_at bigint,
    version bigint NOT NULL
);
CREATE UNIQUE INDEX setup_links_secret ON setup_links (secret_hash);
CREATE INDEX setup_links_tenant ON setup_links (tenant, created_at);

-- Who has exchanged a link: known only by the digest of the cookie's value.
CREATE TABLE setup_sessions (
    id_hash {bytes} NOT NULL PRIMARY KEY,
    link {uuid} NOT NULL REFERENCES setup_links (id),
    expires_at bigint NOT NULL
);
CREATE INDEX setup_sessions_link ON setup_sessions (link);
CREATE INDEX setup_sessions_expiry ON setup_sessions (expires_at);

-- For which identity provider a tenant's set-up page speaks, once somebody has said so.
CREATE TABLE setup_choices (
    tenant_id {uuid} NOT NULL PRIMARY KEY REFERENCES tenants (id),
    provider text NOT NULL
);
