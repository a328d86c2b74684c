-- Values by their key alone: each is in one tree less, and no foreign key looks its user up once more (they are written
-- beside the user, in one transaction).
CREATE TABLE values_by_key (
    tenant_id blob NOT NULL,
    path text NOT NULL,
    value text NOT NULL,
    user_id blob NOT NULL,
    PRIMARY KEY (tenant_id, path, value, user_id)
) WITHOUT ROWID;
INSERT INTO values_by_key (tenant_id, path, value, user_id)
SELECT v.tenant_id, v.path, v.value, v.user_id FROM user_values v
ORDER BY v.tenant_id, v.path, v.value, v.user_id;
DROP TABLE user_values;
ALTER TABLE values_by_key RENAME TO user_values;
CREATE INDEX user_values_user ON user_values (tenant_id, user_id);
