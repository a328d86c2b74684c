-- SQLite has no roles, so triggers keep the trail append-only; only `seq` may be given later.

CREATE TRIGGER audit_append_only BEFORE UPDATE OF
    tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at,
    payload_id, digest
ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER outbox_append_only BEFORE UPDATE OF
    tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at,
    payload_id, digest
ON outbox BEGIN SELECT RAISE(ABORT, 'outbox is append-only'); END;
CREATE TRIGGER outbox_keeps BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'outbox is append-only'); END;
