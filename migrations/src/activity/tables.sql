-- What tenants' identity providers send: each request for a few days, and what lasts longer than that.

-- Nothing has ever been written to the first form of this table.
DROP TABLE request_log;
CREATE TABLE request_log (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    -- When it was answered.
    at bigint NOT NULL,
    request_id {key} NOT NULL,
    credential_id {uuid} NOT NULL,
    credential_name text NOT NULL,
    method text NOT NULL,
    -- The endpoint below the base URL, such as /Users/{id}; empty where there is none.
    route text NOT NULL,
    -- As sent, below the base URL; secrets in the query are masked.
    path text NOT NULL,
    query text,
    -- Of the resource that the request is about, where it is about one.
    resource_id text,
    status integer NOT NULL,
    scim_type text,
    detail text,
    duration_us bigint NOT NULL,
    request_bytes bigint NOT NULL,
    -- NULL: it was streamed.
    response_bytes bigint,
    -- Masked JSON; NULL: there was none, or it was not kept.
    request_body text,
    response_body text,
    -- Is only the beginning of the body kept?
    request_cut boolean NOT NULL,
    response_cut boolean NOT NULL,
    -- Were path, query, reason and bodies taken away, because somebody they name was purged?
    erased boolean NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX request_log_at ON request_log (tenant_id, at, id);
CREATE INDEX request_log_request ON request_log (tenant_id, request_id);
CREATE INDEX request_log_failures ON request_log (tenant_id, at, id) WHERE status >= 400;

-- Whom an entry names, by id, user name, external id or e-mail address, folded: to find what is about somebody, and to
-- forget it.
CREATE TABLE request_subjects (
    tenant_id {uuid} NOT NULL,
    log_id {uuid} NOT NULL,
    subject {key} NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, log_id, subject)
);
CREATE INDEX request_subjects_subject ON request_subjects (tenant_id, subject, at);

-- Requests of a tenant in an hour. No personal data is here, and the installation's overview reads all tenants at once,
-- so this and the next table belong to the platform.
CREATE TABLE traffic (
    tenant {uuid} NOT NULL,
    -- Its beginning.
    hour bigint NOT NULL,
    requests bigint NOT NULL,
    client_errors bigint NOT NULL,
    server_errors bigint NOT NULL,
    duration_us bigint NOT NULL,
    PRIMARY KEY (tenant, hour)
);
CREATE INDEX traffic_hour ON traffic (hour);

-- What has been heard from a tenant's identity provider: when first, when last, and how the last one was answered.
CREATE TABLE heard (
    tenant {uuid} NOT NULL,
    -- call, lookup, user_created, …
    milestone {key} NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    last_method text NOT NULL,
    last_route text NOT NULL,
    last_status integer NOT NULL,
    last_scim_type text,
    last_request_id text NOT NULL,
    PRIMARY KEY (tenant, milestone)
);
CREATE INDEX heard_milestone ON heard (milestone, tenant);
