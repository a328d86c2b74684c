-- To whom events are sent. It may be of one tenant or of the installation, which sends the events of all; so the column is not
-- called tenant_id.
CREATE TABLE destinations (
    id {uuid} NOT NULL PRIMARY KEY,
    tenant {uuid},
    -- 'webhook'
    kind text NOT NULL,
    name text NOT NULL,
    -- What its kind needs to know and may show: JSON.
    settings text NOT NULL,
    -- What it must not show, sealed.
    sealed {bytes} NOT NULL,
    -- Names of the events that it is sent: a JSON list; NULL: all.
    events text,
    -- 'active'; 'paused' by somebody; 'disabled' since it failed for too long.
    state text NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
    -- Counts the changes that somebody made.
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    -- Up to this place of the feed it has its deliveries.
    position bigint NOT NULL,
    -- Places that the feed had forgotten before they came to it.
    missed bigint NOT NULL DEFAULT 0,
    -- Since when every attempt has failed, how many did, and what the last one said.
    failing_since bigint,
    failures integer NOT NULL DEFAULT 0,
    problem text,
    -- The node that sends, for which time it does (by the database's clock), and how often that was somebody else: what one
    -- writes whose time is over is not taken.
    holder {uuid},
    held_until bigint,
    term bigint NOT NULL DEFAULT 0
);
CREATE INDEX destinations_tenant ON destinations (tenant);

-- An event and a destination. Of those of one object that are not ended, only the first is due.
CREATE TABLE deliveries (
    destination {uuid} NOT NULL,
    -- Of the feed, with tenant, number and object as they stand there.
    position bigint NOT NULL,
    tenant {uuid} NOT NULL,
    seq bigint NOT NULL,
    event {key} NOT NULL,
    object_id {key} NOT NULL,
    numbered_at bigint NOT NULL,
    state {key} NOT NULL CHECK (state IN ('behind', 'due', 'done', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    -- Not before.
    next_at bigint NOT NULL,
    first_at bigint,
    last_at bigint,
    -- Milliseconds that the last attempt took, the status that came back, and why it failed.
    took bigint,
    status integer,
    problem text,
    -- When it was delivered, and when the receiver said that it is done.
    delivered_at bigint,
    applied_at bigint,
    PRIMARY KEY (destination, position)
);
CREATE INDEX deliveries_due ON deliveries (destination, next_at, position) WHERE state = 'due';
CREATE INDEX deliveries_open ON deliveries (destination, tenant, object_id, position) WHERE state IN ('behind', 'due');
CREATE INDEX deliveries_dead ON deliveries (destination, position) WHERE state = 'dead';
CREATE INDEX deliveries_of_object ON deliveries (tenant, object_id, position);
