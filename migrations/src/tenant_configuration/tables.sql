-- What a tenant has beside its profile and its value sets.

-- Properties of the customer's account, which open pages of the console: a JSON object, name to value.
ALTER TABLE tenants ADD COLUMN properties text NOT NULL DEFAULT '{}';
-- Raised whenever all role grants were computed anew; a change of a group that was made for an earlier one is refused.
ALTER TABLE tenants ADD COLUMN mapping_version bigint NOT NULL DEFAULT 1;
-- Raised when a profile changes what search forms and indexed values are made by; users that were made for an earlier
-- one are refused. The second follows when those who were there before have been made anew: until then the index may
-- lack some.
ALTER TABLE tenants ADD COLUMN layout_version bigint NOT NULL DEFAULT 1;
ALTER TABLE tenants ADD COLUMN indexed_version bigint NOT NULL DEFAULT 1;
