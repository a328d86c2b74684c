-- Texts inside of names: each user gets a row of `user_values` (path `*`) that holds what the person is found by, and
-- values too long for the index are kept cut. Servers make the rows of all users anew; until then filters look at the
-- documents.
UPDATE tenants SET layout_version = layout_version + 1;
UPDATE epochs SET value = value + 1 WHERE name = 'configuration';

-- Users by the time of their creation.
CREATE INDEX users_created ON users (tenant_id, created_at);
