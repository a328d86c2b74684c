GRANT UPDATE (credential_days) ON tenants TO rollcall_app;
