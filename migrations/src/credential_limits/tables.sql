-- What a credential may be used for beside its scopes, and how long one may live.

-- Networks that it may come from: a JSON list of CIDR texts; NULL: from anywhere.
ALTER TABLE credentials ADD COLUMN allowed_from text;
-- Only told in the log when it comes from elsewhere, instead of refused.
ALTER TABLE credentials ADD COLUMN report_only boolean NOT NULL DEFAULT false;
-- Days before its end of the last warning that was given; NULL: none yet.
ALTER TABLE credentials ADD COLUMN warned_days integer;

-- Longest life of a new credential of this tenant, in days; NULL: what the platform allows.
ALTER TABLE tenants ADD COLUMN credential_days integer;
