-- Numbers of entries, given after the commit, and the chain of hashes that ties each to the one before.
ALTER TABLE audit ADD COLUMN chain {bytes};
ALTER TABLE platform_audit ADD COLUMN seq bigint;
ALTER TABLE platform_audit ADD COLUMN chain {bytes};

-- What waits for its number; events of the outbox get theirs with the entry of the same id.
CREATE INDEX audit_unnumbered ON audit (tenant_id, id) WHERE seq IS NULL;
CREATE INDEX platform_audit_unnumbered ON platform_audit (id) WHERE seq IS NULL;

CREATE UNIQUE INDEX audit_seq ON audit (tenant_id, seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX outbox_seq ON outbox (tenant_id, seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX platform_audit_seq ON platform_audit (seq) WHERE seq IS NOT NULL;

-- What people search by. Only numbered entries are in these, so that a change itself writes none of them.
CREATE INDEX audit_event ON audit (tenant_id, event, seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_actor ON audit (tenant_id, actor_name, seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_cause ON audit (tenant_id, cause, seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_at ON audit (tenant_id, at, seq) WHERE seq IS NOT NULL;
CREATE INDEX platform_audit_event ON platform_audit (event, seq) WHERE seq IS NOT NULL;
CREATE INDEX platform_audit_actor ON platform_audit (actor_name, seq) WHERE seq IS NOT NULL;
CREATE INDEX platform_audit_cause ON platform_audit (cause, seq) WHERE seq IS NOT NULL;
CREATE INDEX platform_audit_at ON platform_audit (at, seq) WHERE seq IS NOT NULL;

-- The end of each trail, and the last check of its chain. It holds numbers and hashes alone and belongs to the
-- installation, as one node looks for work in all of them; hence the column is not called tenant_id.
CREATE TABLE trails (
    -- A tenant, or the installation itself.
    owner {uuid} NOT NULL PRIMARY KEY,
    audit_seq bigint NOT NULL,
    audit_chain {bytes} NOT NULL,
    outbox_seq bigint NOT NULL,
    -- A check that is under way: how far it is.
    run_started_at bigint,
    run_seq bigint,
    run_chain {bytes},
    run_purged bigint,
    -- The last check that came to its end, and what it found wrong (JSON).
    check_at bigint,
    check_seq bigint,
    check_purged bigint,
    check_fault text
);
CREATE INDEX trails_running ON trails (run_started_at) WHERE run_started_at IS NOT NULL;
