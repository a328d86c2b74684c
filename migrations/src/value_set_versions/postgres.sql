GRANT SELECT, INSERT, DELETE ON value_set_versions TO rollcall_app;
