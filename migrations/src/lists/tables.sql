-- Lists: an index for `eq` on attributes inside the document, an index on times of change, and the state of walks through
-- lists.

-- Values that `eq` is asked for, in the form in which they are compared: one row a value of an attribute that the
-- profile marks as indexed (a plain table, since row-level security lets only simple comparisons reach an index).
-- Live users only.
CREATE TABLE user_values (
    tenant_id {uuid} NOT NULL,
    path {key} NOT NULL,
    value {key} NOT NULL,
    user_id {uuid} NOT NULL,
    PRIMARY KEY (tenant_id, path, value, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX user_values_user ON user_values (tenant_id, user_id);

CREATE INDEX users_updated ON users (tenant_id, updated_at);
CREATE INDEX groups_updated ON groups (tenant_id, updated_at);

-- Where a walk by startIndex goes on. Both tables hold state of some minutes: after a crash of the server they may be
-- empty, and a walk goes on by counting.
CREATE {unlogged} TABLE walk_marks (
    tenant_id {uuid} NOT NULL,
    walker {key} NOT NULL,
    query {bytes} NOT NULL,
    start_index bigint NOT NULL,
    after_id {uuid},
    snapshot_id {uuid},
    snapshot_position bigint,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, walker, query, start_index),
    CHECK ((after_id IS NULL) = (snapshot_id IS NOT NULL AND snapshot_position IS NOT NULL))
);
CREATE INDEX walk_marks_at ON walk_marks (tenant_id, at);

-- The order of a sorted list as it was when a walk through it began: ids of 16 bytes, one after the other.
CREATE {unlogged} TABLE walk_snapshots (
    tenant_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    walker {key} NOT NULL,
    ids {bytes} NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
