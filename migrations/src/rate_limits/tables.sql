-- Requests a second that a node takes of this tenant; NULL: what the installation sets.
ALTER TABLE tenants ADD COLUMN rate_limit integer;
