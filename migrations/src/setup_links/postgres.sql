GRANT SELECT, INSERT, UPDATE (revoked_at, openings, opened_at, credential_id, used_at, version), DELETE
    ON setup_links TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON setup_sessions TO rollcall_app;
GRANT SELECT, INSERT, UPDATE (provider), DELETE ON setup_choices TO rollcall_app;
