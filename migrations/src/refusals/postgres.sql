GRANT SELECT, INSERT, UPDATE (details, count, last_at), DELETE ON refusals, shared_refusals TO rollcall_app;
