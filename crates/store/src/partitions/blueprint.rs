//! What a table is made of beside its columns, read from the catalog as the statements that make it anew.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement};

use crate::StoreError;

/// A table as it is now. The statements name it by its own name.
pub(super) struct Blueprint {
    pub(super) name: &'static str,
    /// The tables that hold its rows: itself, or its partitions.
    pub(super) parts: Vec<Part>,
    /// Its columns, quoted and separated by commas.
    pub(super) columns: String,
    /// Indexes, statistics, triggers, comment.
    pub(super) equipment: Vec<String>,
    /// Row-level security, policies, rights, owner.
    pub(super) guards: Vec<String>,
    /// Storage parameters, for each table that holds rows; empty: the server's own.
    pub(super) storage: String,
    /// Who owns it, quoted, if it is somebody else than who is asking.
    pub(super) owner: Option<String>,
    /// Rough number of entries that making one part takes in the server's table of locks.
    pub(super) locks: u64,
}

/// A table that holds rows.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) blocks: u64,
}

/// Statements that make one thing each; the first column puts them in order, below 10 they are equipment.
///
/// `t` is the table, `p` one that holds its rows.
const STATEMENTS: &str = "\
WITH t AS (SELECT c.* FROM pg_class c WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace),
granted AS (
    SELECT x.privilege_type || CASE WHEN a.attname IS NULL THEN '' ELSE format(' (%I)', a.attname) END AS what,
        CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS grantee,
        CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS further
    FROM t LEFT JOIN LATERAL (
        SELECT NULL::name AS attname, t.relacl AS acl
        UNION ALL
        SELECT a.attname, a.attacl FROM pg_attribute a WHERE a.attrelid = t.oid AND NOT a.attisdropped
    ) a ON true, aclexplode(a.acl) x
    WHERE x.grantee <> t.relowner
)
SELECT 1 AS step, format('ALTER TABLE %I ADD CONSTRAINT %I %s', t.relname, c.conname, pg_get_constraintdef(c.oid)) AS sql
FROM t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype IN ('p', 'u')
UNION ALL
SELECT 2, regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
FROM t JOIN pg_index i ON i.indrelid = t.oid
WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = t.oid AND c.contype IN ('p', 'u'))
UNION ALL
SELECT 3, format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS %s', t.relname, a.attname, a.attstattarget)
FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
UNION ALL
SELECT 4, pg_get_triggerdef(g.oid) FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
UNION ALL
SELECT 5, format('COMMENT ON TABLE %I IS %L', t.relname, obj_description(t.oid, 'pg_class'))
FROM t WHERE obj_description(t.oid, 'pg_class') IS NOT NULL
UNION ALL
SELECT 10, format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.relname) FROM t WHERE t.relrowsecurity
UNION ALL
SELECT 11, format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t.relname) FROM t WHERE t.relforcerowsecurity
UNION ALL
SELECT 12, format('CREATE POLICY %I ON %I AS %s FOR %s TO %s%s%s', p.polname, t.relname,
    CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    (SELECT string_agg(CASE r.id WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.id)) END, ', ') FROM unnest(p.polroles) r (id)),
    ' USING (' || pg_get_expr(p.polqual, t.oid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, t.oid) || ')')
FROM t JOIN pg_policy p ON p.polrelid = t.oid
UNION ALL
SELECT 13, format('GRANT %s ON %I TO %s%s', g.what, t.relname, g.grantee, g.further) FROM t, granted g
ORDER BY 1, 2";

/// What a table has that would be lost, or that tables in partitions cannot have ($2: shall it have partitions?).
const OBSTACLES: &str = "\
WITH t AS (SELECT c.* FROM pg_class c WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace)
SELECT format('it is in the publication %I; take it out, and put it in again afterwards', p.pubname)
FROM t JOIN pg_publication_rel r ON r.prrelid = t.oid JOIN pg_publication p ON p.oid = r.prpubid
UNION ALL
SELECT format('the view %s reads it; drop it, and make it again afterwards', r.ev_class::regclass)
FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite r ON r.oid = d.objid WHERE r.ev_class <> t.oid
UNION ALL
SELECT format('it has the rule %I; drop it', r.rulename) FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
UNION ALL
SELECT 'it has a replica identity of its own; reset it' FROM t WHERE t.relreplident <> 'd'
UNION ALL
SELECT 'its rows do not survive a crash; make it a logged table' FROM t WHERE t.relpersistence <> 'p'
UNION ALL
SELECT format('its trigger %I is switched off or works in replication alone; enable or drop it', g.tgname)
FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'O'
UNION ALL
SELECT format('its column %I has an identity; partitions have none', a.attname)
FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attidentity <> ''
UNION ALL
SELECT format('its column %I has options for the planner; reset them, and set them again afterwards', a.attname)
FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attoptions IS NOT NULL
UNION ALL
SELECT format('its index %s is unique without the tenant', i.indexrelid::regclass) FROM t JOIN pg_index i ON i.indrelid = t.oid
WHERE $2 AND i.indisunique AND NOT EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey)
)
UNION ALL
SELECT format('its constraint %I excludes; partitions cannot', c.conname)
FROM t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'x'
LIMIT 1";

/// Where its rows are, how they are stored, whose it is.
const ABOUT: &str = "\
WITH t AS (SELECT c.* FROM pg_class c WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace),
p AS (
    SELECT c.oid, c.relname, c.reloptions, c.reltoastrelid FROM t JOIN pg_class c
    ON c.oid = t.oid AND t.relkind = 'r' OR c.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = t.oid)
)
SELECT
    (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
    (SELECT jsonb_agg(jsonb_build_array(p.relname, pg_relation_size(p.oid) / current_setting('block_size')::bigint)
        ORDER BY p.relname)::text FROM p) AS parts,
    COALESCE((SELECT string_agg(o.option, ', ' ORDER BY o.option) FROM (
        SELECT unnest(f.reloptions) FROM (SELECT * FROM p ORDER BY p.relname LIMIT 1) f
        UNION
        SELECT 'toast.' || unnest(c.reloptions) FROM (SELECT * FROM p ORDER BY p.relname LIMIT 1) f
        JOIN pg_class c ON c.oid = f.reltoastrelid
    ) o (option)), '') AS storage,
    CASE WHEN t.relowner <> current_user::regrole THEN quote_ident(pg_get_userbyid(t.relowner)) END AS owner,
    4 + (SELECT count(*) FROM pg_index i WHERE i.indrelid = t.oid) AS locks
FROM t";

impl Blueprint {
    /// Reads a table; [`StoreError::Setup`] says what cannot be taken along.
    pub(super) async fn read(
        tx: &DatabaseTransaction,
        name: &'static str,
        partitions: u32,
    ) -> Result<Self, StoreError> {
        let obstacle = rows(tx, OBSTACLES, vec![name.into(), (partitions > 0).into()]).await?;
        if let Some(row) = obstacle.first() {
            let why: String = row.try_get_by_index(0)?;
            return Err(StoreError::Setup(format!("the table {name} cannot be rebuilt: {why}")));
        }
        let (mut equipment, mut guards) = (Vec::new(), Vec::new());
        for row in rows(tx, STATEMENTS, vec![name.into()]).await? {
            let step: i32 = row.try_get_by_index(0)?;
            if step < 10 { &mut equipment } else { &mut guards }.push(row.try_get_by_index(1)?);
        }
        let about = rows(tx, ABOUT, vec![name.into()]).await?;
        let about = about.first().ok_or_else(|| crate::error::unreadable(name, "no such table"))?;
        let parts: String = about.try_get("", "parts")?;
        let parts: Vec<(String, u64)> =
            serde_json::from_str(&parts).map_err(|error| crate::error::unreadable("parts", error))?;
        let locks: i64 = about.try_get("", "locks")?;
        Ok(Self {
            name,
            parts: parts.into_iter().map(|(name, blocks)| Part { name, blocks }).collect(),
            columns: about.try_get("", "columns")?,
            equipment,
            guards,
            storage: about.try_get("", "storage")?,
            owner: about.try_get("", "owner")?,
            locks: u64::try_from(locks).unwrap_or(0),
        })
    }

    /// Blocks of its rows.
    pub(super) fn blocks(&self) -> u64 {
        self.parts.iter().map(|part| part.blocks).sum()
    }
}

/// A foreign key of one of these tables, or that leads to one.
pub(super) struct ForeignKey {
    pub(super) drop: String,
    pub(super) make: String,
}

/// All of them, whichever end is among the tables. The rows of one that is tied to these, but none of them, are shown to its
/// owner for as long as it takes to look whether the key holds.
pub(super) async fn foreign_keys(
    tx: &DatabaseTransaction,
    tables: &[&str],
) -> Result<Vec<ForeignKey>, StoreError> {
    let sql = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname), \
               concat(o.show, format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, \
                   regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')), o.hide) \
               FROM pg_constraint c JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class d ON d.oid = c.confrelid, \
               LATERAL (SELECT \
                   string_agg(format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY; ', t.oid::regclass), '') AS show, \
                   string_agg(format('; ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.oid::regclass), '') AS hide \
                   FROM pg_class t WHERE t.oid IN (s.oid, d.oid) AND t.relforcerowsecurity \
                   AND t.relname::text <> ALL (string_to_array($1, ','))) o \
               WHERE c.contype = 'f' AND c.conparentid = 0 AND s.relnamespace = current_schema()::regnamespace \
               AND (s.relname::text = ANY (string_to_array($1, ',')) OR d.relname::text = ANY (string_to_array($1, ','))) \
               ORDER BY 1";
    let found = rows(tx, sql, vec![tables.join(",").into()]).await?;
    found
        .iter()
        .map(|row| Ok(ForeignKey { drop: row.try_get_by_index(0)?, make: row.try_get_by_index(1)? }))
        .collect()
}

/// Statements that take away all rights on these tables that the owner has not; databases may give some by default.
pub(super) async fn revocations(
    tx: &DatabaseTransaction,
    tables: &[String],
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT format('REVOKE ALL ON %I FROM %s', c.relname, \
                   CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END) \
               FROM pg_class c, aclexplode(c.relacl) x WHERE c.relnamespace = current_schema()::regnamespace \
               AND x.grantee <> c.relowner AND c.relname::text = ANY (string_to_array($1, ','))";
    let found = rows(tx, sql, vec![tables.join(",").into()]).await?;
    found.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Runs a query on the catalog.
pub(super) async fn rows(
    tx: &DatabaseTransaction,
    sql: &str,
    values: Vec<sea_orm::Value>,
) -> Result<Vec<QueryResult>, StoreError> {
    Ok(tx.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?)
}
