GRANT SELECT, INSERT ON admin_tenants TO rollcall_app;
