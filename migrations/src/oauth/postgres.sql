GRANT SELECT, INSERT, DELETE ON revoked_tokens TO rollcall_app;
