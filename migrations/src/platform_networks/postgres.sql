-- Networks of a token can be said anew.
GRANT UPDATE (allowed_from, report_only) ON platform_tokens TO rollcall_app;
