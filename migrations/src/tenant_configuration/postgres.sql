GRANT UPDATE (properties, mapping_version, layout_version, indexed_version) ON tenants TO rollcall_app;
