//! One batch of what was heard, in one transaction.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::{HeardChange, LoggedRequest, Traffic, heard, traffic};
use crate::{
    Platform, StoreError, TenantId, outgoing::Transaction, statement::Sql, store::Backend, tx::set_tenant,
};

/// Entries in one statement: 22 values each stay far below the bind limits of both databases.
const ENTRIES: [usize; 3] = [100, 10, 1];
/// Subjects, counters or milestones in one statement.
const ROWS: [usize; 3] = [500, 50, 5];
/// Most subjects of one entry. An entry names no more: bodies are cut, and an id has 36 characters.
pub const MAX_SUBJECTS: usize = 1_000;

/// A request to be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// Whose.
    pub tenant: TenantId,
    /// The entry.
    pub entry: LoggedRequest,
    /// Whom it names: ids, user names, external ids, e-mail addresses, folded, each once; the first [`MAX_SUBJECTS`].
    pub subjects: Vec<String>,
}

/// What was heard since the last batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityBatch {
    /// Requests to be logged.
    pub requests: Vec<NewRequest>,
    /// Counters by tenant and hour (its beginning, in milliseconds): what is to be added.
    pub traffic: BTreeMap<(TenantId, i64), Traffic>,
    /// Milestones, each once a tenant.
    pub heard: Vec<HeardChange>,
}

impl ActivityBatch {
    /// Is there nothing to be written?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.traffic.is_empty() && self.heard.is_empty()
    }
}

impl Platform {
    /// Writes what was heard from identity providers: all of it or nothing. An entry that is there already stays as it
    /// is. Nodes may write at once; rows that they share are taken in one order.
    pub async fn write_activity(&self, batch: &ActivityBatch) -> Result<(), StoreError> {
        let backend = self.inner.backend;
        let mut of_tenants: BTreeMap<TenantId, Vec<&NewRequest>> = BTreeMap::new();
        for request in &batch.requests {
            of_tenants.entry(request.tenant).or_default().push(request);
        }
        let counters: Vec<_> =
            batch.traffic.iter().map(|((tenant, hour), counts)| (*tenant, *hour, *counts)).collect();
        let mut milestones = batch.heard.clone();
        milestones.sort_by_key(|change| (change.tenant, change.heard.milestone.word()));

        let tx = self.inner.begin_write().await?;
        for (tenant, requests) in &of_tenants {
            set_tenant(&tx.db, backend, tenant.0).await?;
            for chunk in pieces(backend, requests, ENTRIES) {
                tx.db.execute_raw(insert(backend, *tenant, chunk).into_statement()).await?;
            }
            write_subjects(&tx.db, backend, *tenant, requests).await?;
        }
        for chunk in counters.chunks(ROWS[0]) {
            tx.db.execute_raw(traffic::upsert(backend, chunk).into_statement()).await?;
        }
        for chunk in milestones.chunks(ROWS[0]) {
            tx.db.execute_raw(heard::upsert(backend, chunk).into_statement()).await?;
        }
        tx.commit().await
    }
}

/// The rows of one statement after the other. SQLite prepares statements once for all: there are three sizes of them, and each
/// holds memory on each connection.
fn pieces<T>(backend: Backend, rows: &[T], sizes: [usize; 3]) -> impl Iterator<Item = &[T]> {
    let mut left = rows;
    std::iter::from_fn(move || {
        let many = match backend {
            Backend::Postgres => left.len().min(sizes[0]),
            Backend::Sqlite => sizes.into_iter().find(|size| *size <= left.len()).unwrap_or(left.len()),
        };
        let (piece, rest) = left.split_at(many);
        left = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn insert(backend: Backend, tenant: TenantId, requests: &[&NewRequest]) -> Sql {
    let mut sql = Sql::new(backend, tenant.0);
    sql.push(
        "INSERT INTO request_log (tenant_id, id, at, request_id, credential_id, credential_name, method, route, path, \
         query, resource_id, status, scim_type, detail, duration_us, request_bytes, response_bytes, request_body, \
         response_body, request_cut, response_cut, erased) VALUES ",
    );
    for (position, request) in requests.iter().enumerate() {
        let LoggedRequest { line, request_body, response_body, request_cut, response_cut } = &request.entry;
        sql.push(if position > 0 { ", (" } else { "(" }).tenant();
        sql.add(
            ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                line.id.into(),
                line.at.into(),
                line.request_id.as_str().into(),
                line.credential.0.into(),
                line.credential_name.as_str().into(),
                line.method.as_str().into(),
                line.route.as_str().into(),
                line.path.as_str().into(),
                line.query.clone().into(),
                line.resource_id.clone().into(),
                line.status.into(),
                line.scim_type.clone().into(),
                line.detail.clone().into(),
                line.duration_us.into(),
                line.request_bytes.into(),
                line.response_bytes.into(),
                request_body.clone().into(),
                response_body.clone().into(),
                (*request_cut).into(),
                (*response_cut).into(),
                line.erased.into(),
            ],
        );
    }
    sql.push(" ON CONFLICT DO NOTHING");
    sql
}

async fn write_subjects(
    db: &Transaction,
    backend: Backend,
    tenant: TenantId,
    requests: &[&NewRequest],
) -> Result<(), StoreError> {
    let rows: Vec<_> = requests
        .iter()
        .flat_map(|request| {
            request.subjects.iter().take(MAX_SUBJECTS).map(|subject| (&request.entry.line, subject))
        })
        .collect();
    for chunk in pieces(backend, &rows, ROWS) {
        let mut sql = Sql::new(backend, tenant.0);
        sql.push("INSERT INTO request_subjects (tenant_id, log_id, subject, at) VALUES ");
        for (position, (line, subject)) in chunk.iter().enumerate() {
            sql.push(if position > 0 { ", (" } else { "(" }).tenant();
            sql.add(", ?, ?, ?)", [line.id.into(), subject.as_str().into(), line.at.into()]);
        }
        sql.push(" ON CONFLICT DO NOTHING");
        db.execute_raw(sql.into_statement()).await?;
    }
    Ok(())
}
