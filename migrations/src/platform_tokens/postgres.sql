GRANT SELECT, INSERT, UPDATE (name_key, expires_at, revoked_at, last_used_at, last_used_from, version)
    ON platform_tokens TO rollcall_app;
GRANT SELECT, INSERT ON platform_audit TO rollcall_app;
