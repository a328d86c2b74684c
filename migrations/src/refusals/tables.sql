-- Requests that were refused for their credential, for people who set a tenant up: one row for what is alike (address,
-- mistake, sender, fingerprint of what was sent), the newest hundred of a tenant. No secret is here.
CREATE TABLE refusals (
    tenant_id {uuid} NOT NULL REFERENCES tenants (id),
    -- Digest of what is alike.
    id {bytes} NOT NULL,
    -- JSON.
    details text NOT NULL,
    count bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- The same of requests to the shared host that name no tenant: they belong to the installation.
CREATE TABLE shared_refusals (
    id {bytes} NOT NULL PRIMARY KEY,
    details text NOT NULL,
    count bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL
);
