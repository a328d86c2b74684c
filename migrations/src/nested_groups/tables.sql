-- From a member to its groups without a look at the table. (SQLite preferred the primary key, which holds all three
-- columns, to an index of the first two, and read all edges of the tenant.)
DROP INDEX members_member;
CREATE INDEX members_member ON members (tenant_id, member_id, group_id);
-- Edges between groups are few beside those to users, and none in most tenants: up from group to group, and down.
CREATE INDEX members_above ON members (tenant_id, member_id, group_id) WHERE subgroup_id IS NOT NULL;
CREATE INDEX members_below ON members (tenant_id, group_id, member_id) WHERE subgroup_id IS NOT NULL;
