-- People who look for people: lists of users by name without a look at the table, who has a role, names by their start;
-- and files of users that are being imported.

CREATE INDEX users_by_name ON users (tenant_id, active, user_name_key, id) WHERE deleted_at IS NULL;

DROP INDEX role_grants_role;
CREATE INDEX role_grants_role ON role_grants (tenant_id, role_key, user_id, group_id);

-- One row an import: what it is to do, how far it is, what came of it. No value of the file is here.
CREATE TABLE imports (
    tenant_id {uuid} NOT NULL REFERENCES tenants (id),
    id {uuid} NOT NULL,
    file_name text NOT NULL,
    bytes bigint NOT NULL,
    stage text NOT NULL
        CHECK (stage IN ('arriving', 'ready', 'trying', 'tried', 'running', 'done', 'stopped')),
    -- JSON.
    settings text NOT NULL,
    progress text NOT NULL,
    outcome text,
    -- Who carries it out, and when it was last heard of.
    worker {uuid},
    beat_at bigint NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- The file, in parts; removed when it was imported, or a day later.
CREATE TABLE import_parts (
    tenant_id {uuid} NOT NULL,
    import_id {uuid} NOT NULL,
    number integer NOT NULL,
    body {bytes} NOT NULL,
    PRIMARY KEY (tenant_id, import_id, number),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)
);
