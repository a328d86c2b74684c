GRANT SELECT, INSERT, UPDATE, DELETE ON request_log, request_subjects, traffic, heard TO rollcall_app;
