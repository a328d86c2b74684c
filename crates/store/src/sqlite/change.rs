//! A change of one user as statements, the same that PostgreSQL's functions `create_user` and `replace_user` hold.

use rusqlite::{Connection, Params, params};
use telemetry::spans;

use super::{SYSTEM, readers::rows};
use crate::{
    record::Rows,
    users::{NO_VALUES, Single, Values, Written, groups_statement},
};

const INSERT: &str = "INSERT INTO users (tenant_id, id, user_name, user_name_key, external_id, display_name, active, \
     document, search, version, created_at, updated_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?10 \
     WHERE ?11 IS NULL OR EXISTS (SELECT 1 FROM tenants t WHERE t.id = ?1 AND t.layout_version = ?11 LIMIT 1)";

const UPDATE: &str = "UPDATE users SET user_name = ?3, user_name_key = ?4, external_id = ?5, display_name = ?6, \
     active = ?7, document = ?8, search = ?9, version = version + 1, updated_at = ?10 \
     WHERE tenant_id = ?1 AND id = ?2 AND version = ?12 AND deleted_at IS NULL AND (?11 IS NULL OR \
     EXISTS (SELECT 1 FROM tenants t WHERE t.id = ?1 AND t.layout_version = ?11 LIMIT 1))";

const END_OTHER_VALUES: &str = "DELETE FROM user_values WHERE tenant_id = ? AND user_id = ? \
     AND (path, value) NOT IN (SELECT x.value ->> 0, x.value ->> 1 FROM json_each(?) x)";

const END_VALUES: &str = "DELETE FROM user_values WHERE tenant_id = ?1 AND (path, value, user_id) IN (\
     SELECT x.value ->> 0, x.value ->> 1, ?2 FROM json_each(?3) x)";

const ADD_VALUES: &str = "INSERT INTO user_values (tenant_id, user_id, path, value) \
     SELECT ?, ?, x.value ->> 0, x.value ->> 1 FROM json_each(?) x WHERE TRUE ON CONFLICT DO NOTHING";

const PAYLOAD: &str = "INSERT INTO payloads (tenant_id, id, object_type, object_id, salt, body) \
     VALUES (?, ?, ?, ?, ?, ?)";

const AUDIT: &str = "INSERT INTO audit (tenant_id, id, event, object_type, object_id, object_version, actor_kind, \
     actor_id, actor_name, cause, at, payload_id, digest, live_delta) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const OUTBOX: &str = "INSERT INTO outbox (tenant_id, id, event, object_type, object_id, object_version, actor_kind, \
     actor_id, actor_name, cause, at, payload_id, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Carries out a change in the transaction that the connection is in. `None`: there is no such user, or users are made
/// otherwise by now; nothing was written.
pub(super) fn carry_out(connection: &Connection, change: &Single) -> rusqlite::Result<Option<Written>> {
    if !write_user(connection, change)? {
        return Ok(None);
    }
    let (tenant, id) = (change.tenant.as_bytes(), change.id.as_bytes());
    let Values { ended, added } = &change.values;
    match ended.as_deref() {
        None => run(connection, END_OTHER_VALUES, params![tenant, id, added])?,
        Some(NO_VALUES) => 0,
        Some(ended) => run(connection, END_VALUES, params![tenant, id, ended])?,
    };
    if added != NO_VALUES {
        run(connection, ADD_VALUES, params![tenant, id, added])?;
    }
    record(connection, &change.event)?;
    let groups = match change.expected {
        None => None,
        Some(_) => {
            let statement = groups_statement(change.tenant, change.id);
            rows(connection, &statement, |row| row.get(0))?.pop().flatten()
        }
    };
    Ok(Some(Written { groups }))
}

/// Runs one of the statements; gives how many rows it touched.
fn run(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
    spans::statement(SYSTEM, sql).in_scope(|| connection.prepare_cached(sql)?.execute(values))
}

/// Was there one to write?
fn write_user(connection: &Connection, change: &Single) -> rusqlite::Result<bool> {
    let columns = &change.columns;
    let statement = match change.expected {
        None => INSERT,
        Some(_) => UPDATE,
    };
    let (tenant, id) = (change.tenant.as_bytes(), change.id.as_bytes());
    let values = params![
        tenant,
        id,
        columns.user_name,
        columns.user_name_key,
        columns.external_id,
        columns.display_name,
        columns.active,
        columns.document,
        columns.search,
        change.event.entry.at,
        change.layout,
        change.expected,
    ];
    let values = if change.expected.is_some() { values } else { &values[..11] };
    Ok(run(connection, statement, values)? == 1)
}

fn record(connection: &Connection, Rows { entry, salt, body }: &Rows) -> rusqlite::Result<()> {
    let (tenant, id) = (entry.tenant_id.as_bytes(), entry.id.as_bytes());
    let payload = entry.payload_id.as_ref().map(uuid::Uuid::as_bytes);
    run(connection, PAYLOAD, params![tenant, id, entry.object_type, entry.object_id, salt, body])?;
    let values = params![
        tenant,
        id,
        entry.event,
        entry.object_type,
        entry.object_id,
        entry.object_version,
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.cause,
        entry.at,
        payload,
        entry.digest,
        entry.live_delta,
    ];
    run(connection, AUDIT, values)?;
    // All but the last one.
    run(connection, OUTBOX, &values[..13])?;
    Ok(())
}
