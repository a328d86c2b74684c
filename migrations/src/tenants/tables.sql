-- Tenants that were deleted, and host names of tenants' own.

-- A deleted tenant is there for nobody, and can be restored until its purge begins. The row stays for ever: a slug is never
-- used again.
ALTER TABLE tenants ADD COLUMN deleted_at bigint;
ALTER TABLE tenants ADD COLUMN deleted_by text;
-- From here on it cannot be restored.
ALTER TABLE tenants ADD COLUMN purging_at bigint;
-- None of its rows is left.
ALTER TABLE tenants ADD COLUMN purged_at bigint;
CREATE INDEX tenants_deleted ON tenants (deleted_at) WHERE deleted_at IS NOT NULL;

-- Who says that a host name is theirs, and who has proven it. The name leads to the tenant before any is set, as user names
-- do: hence the table belongs to the installation, and the column is not called tenant_id.
CREATE TABLE domains (
    -- In lower case, international names encoded.
    host {key} NOT NULL,
    tenant {uuid} NOT NULL REFERENCES tenants (id),
    -- What has to stand in the name service: no secret, but nobody else's.
    challenge text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    proven_at bigint,
    -- The last look at the name service, and what was found wrong.
    checked_at bigint,
    problem text,
    -- Since when the proof has been missing from the name service.
    missing_since bigint,
    PRIMARY KEY (host, tenant)
);
-- Any number of tenants may say so; one has it.
CREATE UNIQUE INDEX domains_proven ON domains (host) WHERE proven_at IS NOT NULL;
CREATE INDEX domains_tenant ON domains (tenant);
CREATE INDEX domains_checked ON domains (checked_at) WHERE proven_at IS NOT NULL;
