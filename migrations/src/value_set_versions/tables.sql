-- What a tenant's lists of allowed values were: one row a change, the newest of each list. The row before the first
-- change of a list that is older than this table was made with that change.
CREATE TABLE value_set_versions (
    tenant_id {uuid} NOT NULL REFERENCES tenants (id),
    name text NOT NULL,
    -- From 1 for each list.
    version integer NOT NULL,
    -- JSON: a list of values with labels; NULL: the tenant had no list of its own.
    body text,
    created_at bigint NOT NULL,
    -- Empty: before this was noted.
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, name, version)
);
