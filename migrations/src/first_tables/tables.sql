-- Ids are UUIDv7. Times are whole milliseconds since 1970 UTC. A `…_key` is the folded form of the column it is named
-- after. Tables with a `tenant_id` belong to a tenant; it leads their primary key and every index but one.

-- What belongs to the installation.

CREATE TABLE installation (
    id {uuid} NOT NULL PRIMARY KEY,
    created_at bigint NOT NULL
);

CREATE TABLE tenants (
    id {uuid} NOT NULL PRIMARY KEY,
    slug {key} NOT NULL,
    name text NOT NULL,
    name_key {key} NOT NULL,
    status text NOT NULL CHECK (status IN ('inactive', 'active')),
    profile_name text NOT NULL,
    profile_version integer NOT NULL,
    compatibility text NOT NULL CHECK (compatibility IN ('lenient', 'strict')),
    gate_open boolean NOT NULL,
    organization text,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX tenants_slug ON tenants (slug);

CREATE TABLE admins (
    id {uuid} NOT NULL PRIMARY KEY,
    email text NOT NULL,
    email_key {key} NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX admins_email ON admins (email_key);

CREATE TABLE admin_sessions (
    id_hash {bytes} NOT NULL PRIMARY KEY,
    data text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX admin_sessions_expiry ON admin_sessions (expires_at);

CREATE TABLE signing_keys (
    kid {key} NOT NULL PRIMARY KEY,
    public_key {bytes} NOT NULL,
    private_key_encrypted {bytes} NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'next', 'retired')),
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (state) WHERE state = 'active';

-- Counters that tell nodes to drop what they cached.
CREATE TABLE epochs (
    name {key} NOT NULL PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO epochs (name, value) VALUES ('configuration', 1);

-- What belongs to a tenant. Tables that every request writes have no foreign key to `tenants`: checking it would lock
-- that one row in each transaction.

CREATE TABLE profile_versions (
    tenant_id {uuid} NOT NULL REFERENCES tenants (id),
    version integer NOT NULL,
    profile_name text NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE value_sets (
    tenant_id {uuid} NOT NULL REFERENCES tenants (id),
    name {key} NOT NULL,
    value {key} NOT NULL,
    label text,
    position integer NOT NULL,
    PRIMARY KEY (tenant_id, name, value)
);

CREATE TABLE credentials (
    tenant_id {uuid} NOT NULL REFERENCES tenants (id),
    id {uuid} NOT NULL,
    kind text NOT NULL CHECK (kind IN ('bearer', 'basic', 'oauth')),
    name text NOT NULL,
    name_key {key},
    scope text NOT NULL,
    login text,
    login_key {key},
    secret_hash text,
    hint text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint,
    last_used_from text,
    PRIMARY KEY (tenant_id, id)
);
-- The keys become NULL when an expired credential gives its name away.
CREATE UNIQUE INDEX credentials_name ON credentials (tenant_id, name_key) WHERE revoked_at IS NULL;
-- Not led by the tenant: a login is unique on the platform.
CREATE UNIQUE INDEX credentials_login ON credentials (login_key) WHERE revoked_at IS NULL;

CREATE TABLE users (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    user_name text NOT NULL,
    user_name_key {key} NOT NULL,
    external_id {key},
    display_name text,
    active boolean NOT NULL,
    document text NOT NULL,
    search {json} NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX users_user_name ON users (tenant_id, user_name_key) WHERE deleted_at IS NULL;
CREATE INDEX users_external_id ON users (tenant_id, external_id);

CREATE TABLE groups (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    display_name text NOT NULL,
    display_name_key {key} NOT NULL,
    external_id {key},
    document text NOT NULL,
    search {json} NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX groups_display_name ON groups (tenant_id, display_name_key) WHERE deleted_at IS NULL;
CREATE INDEX groups_external_id ON groups (tenant_id, external_id);

-- A member is a user or a group; `member_id` is the one of the two that is set.
CREATE TABLE members (
    tenant_id {uuid} NOT NULL,
    group_id {uuid} NOT NULL,
    member_id {uuid} NOT NULL,
    user_id {uuid},
    subgroup_id {uuid},
    PRIMARY KEY (tenant_id, group_id, member_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, subgroup_id) REFERENCES groups (tenant_id, id),
    CHECK ((user_id IS NULL) <> (subgroup_id IS NULL) AND member_id = COALESCE(user_id, subgroup_id))
);
CREATE INDEX members_member ON members (tenant_id, member_id);

CREATE TABLE roles (
    tenant_id {uuid} NOT NULL,
    key {key} NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE role_grants (
    tenant_id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    group_id {uuid} NOT NULL,
    role_key {key} NOT NULL,
    PRIMARY KEY (tenant_id, user_id, group_id, role_key),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups (tenant_id, id),
    FOREIGN KEY (tenant_id, role_key) REFERENCES roles (tenant_id, key)
);
CREATE INDEX role_grants_group ON role_grants (tenant_id, group_id);
CREATE INDEX role_grants_role ON role_grants (tenant_id, role_key);

-- Personal content of audit and outbox rows, which keep only its salted digest: a purge deletes rows here (or empties
-- `body`), and the trail can still be checked.
CREATE TABLE payloads (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    object_type text NOT NULL,
    object_id {key} NOT NULL,
    salt {bytes} NOT NULL,
    body text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX payloads_object ON payloads (tenant_id, object_type, object_id);

-- Append-only. `seq` is given after the commit. No foreign key to payloads: they go when a person is purged.
CREATE TABLE audit (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    seq bigint,
    event text NOT NULL,
    object_type text NOT NULL,
    object_id {key} NOT NULL,
    object_version bigint NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    cause text NOT NULL,
    at bigint NOT NULL,
    payload_id {uuid},
    digest {bytes},
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_object ON audit (tenant_id, object_id, id);

CREATE TABLE outbox (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    seq bigint,
    event text NOT NULL,
    object_type text NOT NULL,
    object_id {key} NOT NULL,
    object_version bigint NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    cause text NOT NULL,
    at bigint NOT NULL,
    payload_id {uuid},
    digest {bytes},
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE request_log (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    at bigint NOT NULL,
    request_id text NOT NULL,
    credential_id {uuid},
    method text NOT NULL,
    path text NOT NULL,
    status integer NOT NULL,
    duration_ms bigint NOT NULL,
    detail text,
    request_body text,
    response_body text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX request_log_at ON request_log (tenant_id, at);
