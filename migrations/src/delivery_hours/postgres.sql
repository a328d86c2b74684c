GRANT SELECT, INSERT, UPDATE, DELETE ON delivery_hours TO rollcall_app;
