-- Tokens of the installation, for the vendor's own application at /api/v1. They belong to no tenant, so they have a table
-- of their own: no query for a tenant's credentials can meet one.
CREATE TABLE platform_tokens (
    id {uuid} NOT NULL PRIMARY KEY,
    name text NOT NULL,
    -- NULL when another one has taken the name.
    name_key {key},
    scope text NOT NULL,
    hint text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint,
    last_used_at bigint,
    last_used_from text,
    -- Networks that it may come from: a JSON list of CIDR texts; NULL: from anywhere.
    allowed_from text,
    -- Only told in the log when it comes from elsewhere, instead of refused.
    report_only boolean NOT NULL DEFAULT false,
    -- Counts its changes: made, rotated, revoked.
    version bigint NOT NULL
);
CREATE UNIQUE INDEX platform_tokens_name ON platform_tokens (name_key) WHERE revoked_at IS NULL;

-- What happens to the installation itself and not to a tenant. Append-only.
CREATE TABLE platform_audit (
    id {uuid} NOT NULL PRIMARY KEY,
    event text NOT NULL,
    object_type text NOT NULL,
    object_id {key} NOT NULL,
    object_version bigint NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    cause text NOT NULL,
    at bigint NOT NULL,
    payload text NOT NULL
);
CREATE INDEX platform_audit_object ON platform_audit (object_id, id);
