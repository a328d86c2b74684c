-- The feed: in which order the events of all tenants got their numbers. It holds no more than that, what an event is called and
-- the id of what it is about, and belongs to the installation, as whoever follows it follows all tenants; hence the column is not called tenant_id.
CREATE TABLE feed (
    -- From 1, without gaps.
    position bigint NOT NULL PRIMARY KEY,
    tenant {uuid} NOT NULL,
    -- outbox.seq
    seq bigint NOT NULL,
    event {key} NOT NULL,
    object_id {key} NOT NULL,
    numbered_at bigint NOT NULL
);
CREATE INDEX feed_of_tenant ON feed (tenant, position);

-- Up to which number a tenant's events have their place: a node of an older version gives numbers alone.
ALTER TABLE trails ADD COLUMN feed_seq bigint NOT NULL DEFAULT 0;
UPDATE trails SET feed_seq = outbox_seq;

-- Up to which position events are forgotten, and up to which there are some.
CREATE TABLE feed_ends (
    name text NOT NULL PRIMARY KEY CHECK (name IN ('forgotten', 'last')),
    position bigint NOT NULL
);
