GRANT SELECT, INSERT, UPDATE, DELETE
    ON admin_sessions, admin_second_factors, admin_recovery_codes, admin_invitations TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON admin_identities TO rollcall_app;
GRANT DELETE ON admin_tenants TO rollcall_app;
