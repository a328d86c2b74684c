-- Counts the changes of a person: entered, role, password, second factor.
ALTER TABLE admins ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- Sessions are rows that people see and end. Those from before are not kept: everybody signs in once more.
DROP TABLE admin_sessions;
CREATE TABLE admin_sessions (
    id_hash {bytes} NOT NULL PRIMARY KEY,
    data text NOT NULL,
    admin_id {uuid} REFERENCES admins (id) ON DELETE CASCADE,
    -- The password was right, and a code is still to come: it gives no right at all.
    pending boolean NOT NULL,
    created_at bigint NOT NULL,
    -- Written once a minute at most.
    last_seen_at bigint NOT NULL,
    address text NOT NULL,
    agent text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX admin_sessions_expiry ON admin_sessions (expires_at);
CREATE INDEX admin_sessions_admin ON admin_sessions (admin_id, created_at);

-- Time-based one-time codes (RFC 6238). What they are made from is sealed under a data key.
CREATE TABLE admin_second_factors (
    admin_id {uuid} NOT NULL PRIMARY KEY REFERENCES admins (id) ON DELETE CASCADE,
    secret_sealed {bytes} NOT NULL,
    created_at bigint NOT NULL,
    -- NULL: shown, and not yet proven by a code.
    confirmed_at bigint,
    -- The last step that a code was taken of: none is taken twice.
    last_step bigint NOT NULL,
    -- Wrong codes since the instant beside it.
    failures bigint NOT NULL,
    failing_since bigint NOT NULL
);

-- Digests of random codes, each good for one sign-in without the phone; a used one is gone.
CREATE TABLE admin_recovery_codes (
    admin_id {uuid} NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    code_hash {bytes} NOT NULL,
    PRIMARY KEY (admin_id, code_hash)
);

-- Links by which somebody chooses a password: one a person, digests alone.
CREATE TABLE admin_invitations (
    admin_id {uuid} NOT NULL PRIMARY KEY REFERENCES admins (id) ON DELETE CASCADE,
    secret_hash {bytes} NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX admin_invitations_secret ON admin_invitations (secret_hash);

-- Who somebody is at the OpenID provider.
CREATE TABLE admin_identities (
    issuer {key} NOT NULL,
    subject {key} NOT NULL,
    admin_id {uuid} NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX admin_identities_person ON admin_identities (admin_id, issuer);
