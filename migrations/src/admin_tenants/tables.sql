-- The tenants that a person of the console is given. It belongs to the installation, and is read before it is known which
-- tenant a request is about: hence the column is not called tenant_id, which marks what row-level security keeps apart.
CREATE TABLE admin_tenants (
    admin_id {uuid} NOT NULL,
    tenant {uuid} NOT NULL,
    PRIMARY KEY (admin_id, tenant),
    FOREIGN KEY (admin_id) REFERENCES admins (id),
    FOREIGN KEY (tenant) REFERENCES tenants (id)
);
