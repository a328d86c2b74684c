-- A number is given once.
CREATE TRIGGER audit_numbered_once BEFORE UPDATE OF seq, chain ON audit WHEN OLD.seq IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER outbox_numbered_once BEFORE UPDATE OF seq ON outbox WHEN OLD.seq IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'outbox is append-only'); END;
DROP TRIGGER platform_audit_append_only;
CREATE TRIGGER platform_audit_append_only BEFORE UPDATE OF
    id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at, payload
ON platform_audit BEGIN SELECT RAISE(ABORT, 'platform_audit is append-only'); END;
CREATE TRIGGER platform_audit_numbered_once BEFORE UPDATE OF seq, chain ON platform_audit WHEN OLD.seq IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'platform_audit is append-only'); END;
