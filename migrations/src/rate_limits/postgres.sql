GRANT UPDATE (rate_limit) ON tenants TO rollcall_app;
