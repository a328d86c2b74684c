-- Soft-deleted users: by the time of their deletion, for lists of them and for the end of their retention; by externalId
-- and by name, the last one deleted first, for those who come back.
CREATE INDEX users_deleted ON users (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_deleted_external_id ON users (tenant_id, external_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_deleted_name ON users (tenant_id, user_name_key, deleted_at) WHERE deleted_at IS NOT NULL;
