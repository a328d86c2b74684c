-- How many users and groups are live, counted by ranges of ids. A block of level 0 reaches from its first id to that of the
-- next one, the first from the lowest id there is; one of level 1 reaches over some of them, so that a place is found among a
-- million without adding up all. They count what numbered entries of the trail did; those that still wait for their number
-- say themselves what they did (`audit.live_delta`), so that no change waits for a counter.
CREATE TABLE live_blocks (
    tenant_id {uuid} NOT NULL,
    -- As in `audit.object_type`.
    kind {key} NOT NULL,
    level smallint NOT NULL CHECK (level IN (0, 1)),
    first_id {uuid} NOT NULL,
    live integer NOT NULL,
    PRIMARY KEY (tenant_id, kind, level, first_id)
);
