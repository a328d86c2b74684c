-- Within how many milliseconds its events shall be there.
ALTER TABLE destinations ADD COLUMN target bigint NOT NULL DEFAULT 60000;

-- How soon the events of a tenant were with a destination: counts of each hour (that in which they got their number).
CREATE TABLE delivery_hours (
    tenant {uuid} NOT NULL,
    hour bigint NOT NULL,
    destination {uuid} NOT NULL,
    -- Taken, and of these later than the target; given up.
    delivered bigint NOT NULL,
    late bigint NOT NULL,
    dead bigint NOT NULL,
    -- Said by the receiver to be done, and of these later than the target.
    applied bigint NOT NULL,
    applied_late bigint NOT NULL,
    PRIMARY KEY (tenant, hour, destination)
);
CREATE INDEX delivery_hours_destination ON delivery_hours (destination, hour);
CREATE INDEX delivery_hours_hour ON delivery_hours (hour);
