GRANT SELECT, INSERT ON federations TO rollcall_app;
