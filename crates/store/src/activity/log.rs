//! The log of requests: reading it, and forgetting what is old or names somebody who was purged.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    str::FromStr,
};

use sea_orm::QueryResult;
use uuid::Uuid;

use super::subject;
use crate::{CredentialId, Platform, StoreError, TenantId, TenantScope, statement::Sql, tx::TenantTx};

/// Entries that are removed in one transaction, so that nobody waits long for SQLite's one writer.
const FORGOTTEN_AT_ONCE: i64 = 2_000;
/// Entries about one subject that are looked at, the newest.
const OF_SUBJECT: i64 = 10_000;
/// Tenants read at once.
const TENANTS: u64 = 1_000;

/// One authenticated request, without its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// Id of the entry.
    pub id: Uuid,
    /// When it was answered, in milliseconds.
    pub at: i64,
    /// Request id, as the answer carries it.
    pub request_id: String,
    /// The credential.
    pub credential: CredentialId,
    /// Its name at that time.
    pub credential_name: String,
    /// Method.
    pub method: String,
    /// The endpoint below the base URL, such as `/Users/{id}`; empty where there is none.
    pub route: String,
    /// Path below the base URL, as sent.
    pub path: String,
    /// Query as sent; secrets in it are masked.
    pub query: Option<String>,
    /// Id of the resource that it is about, where it is about one.
    pub resource_id: Option<String>,
    /// Status of the answer.
    pub status: i32,
    /// `scimType` of an answer that is an error.
    pub scim_type: Option<String>,
    /// `detail` of an answer that is an error.
    pub detail: Option<String>,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Bytes of its body.
    pub request_bytes: i64,
    /// Bytes of the answer's body; `None`: it was streamed, and is not kept.
    pub response_bytes: Option<i64>,
    /// Was taken away what names somebody who was purged?
    pub erased: bool,
}

/// A request with its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// All but the bodies.
    pub line: RequestLine,
    /// The body, masked JSON; `None`: there was none, or it was not kept.
    pub request_body: Option<String>,
    /// Likewise of the answer.
    pub response_body: Option<String>,
    /// Is `request_body` the beginning of a longer one?
    pub request_cut: bool,
    /// Is `response_body` the beginning of a longer one?
    pub response_cut: bool,
}

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// [`RequestLine::at`].
    pub at: i64,
    /// [`RequestLine::id`].
    pub id: Uuid,
}

/// `at.id`, for links and cursors.
impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.at, self.id)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('.').ok_or(())?;
        Ok(Self { at: at.parse().map_err(|_| ())?, id: Uuid::try_parse(id).map_err(|_| ())? })
    }
}

impl RequestLine {
    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { at: self.at, id: self.id }
    }
}

/// Which entries, all conditions at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// Of this method, upper case.
    pub method: Option<String>,
    /// Answered with a status from this to that.
    pub status: Option<(i32, i32)>,
    /// `path?query` contains this text, case regarded.
    pub path: Option<String>,
    /// By this credential.
    pub credential: Option<CredentialId>,
    /// That name this resource or person: id, user name, external id or e-mail address.
    pub subject: Option<String>,
    /// Of this request id.
    pub request_id: Option<String>,
    /// Answered at this time or later, in milliseconds.
    pub from: Option<i64>,
    /// Answered before this time.
    pub until: Option<i64>,
    /// That stand after this place in the list, so are older.
    pub before: Option<Position>,
    /// Most entries given.
    pub limit: u64,
}

const LINE: &str = "id, at, request_id, credential_id, credential_name, method, route, path, query, resource_id, status, \
                    scim_type, detail, duration_us, request_bytes, response_bytes, erased";

impl TenantScope {
    /// Entries of the log, newest first.
    pub async fn requests(&self, query: &RequestQuery) -> Result<Vec<RequestLine>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push("SELECT ").push(LINE).push(" FROM request_log WHERE tenant_id = ").tenant();
        conditions(&mut sql, query);
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        sql.add(" ORDER BY at DESC, id DESC LIMIT ?", [limit.into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(line).collect()
    }

    /// One entry.
    pub async fn request(&self, id: Uuid) -> Result<Option<LoggedRequest>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push("SELECT ").push(LINE).push(", request_body, response_body, request_cut, response_cut");
        sql.push(" FROM request_log WHERE tenant_id = ").tenant().add(" AND id = ?", [id.into()]);
        let row = tx.one(sql).await?;
        tx.commit().await?;
        let read = |row: QueryResult| {
            Ok(LoggedRequest {
                line: line(&row)?,
                request_body: row.try_get("", "request_body")?,
                response_body: row.try_get("", "response_body")?,
                request_cut: row.try_get("", "request_cut")?,
                response_cut: row.try_get("", "response_cut")?,
            })
        };
        row.map(read).transpose()
    }

    /// When requests of these ids came, in milliseconds; those that are not kept are missing.
    pub async fn arrivals(&self, request_ids: &[&str]) -> Result<HashMap<String, i64>, StoreError> {
        if request_ids.is_empty() {
            return Ok(HashMap::new());
        }
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push("SELECT request_id, MIN(at - duration_us / 1000) FROM request_log WHERE tenant_id = ")
            .tenant();
        sql.push(" AND request_id IN ").texts(request_ids.iter().copied()).push(" GROUP BY request_id");
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// Removes entries from before a time (milliseconds), as many as one transaction should; gives their number.
    async fn forget_some_requests(&self, before: i64) -> Result<u64, StoreError> {
        let tx = self.write().await?;
        let oldest = |sql: &mut Sql| {
            sql.push("(SELECT id FROM request_log WHERE tenant_id = ").tenant();
            sql.add(" AND at < ? ORDER BY at, id LIMIT ?)", [before.into(), FORGOTTEN_AT_ONCE.into()]);
        };
        let mut sql = tx.sql();
        sql.push("DELETE FROM request_subjects WHERE tenant_id = ").tenant().push(" AND log_id IN ");
        oldest(&mut sql);
        tx.run(sql).await?;
        let mut sql = tx.sql();
        sql.push("DELETE FROM request_log WHERE tenant_id = ").tenant().push(" AND id IN ");
        oldest(&mut sql);
        let gone = tx.run(sql).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// Is there an entry from before this time?
    async fn has_requests_before(&self, before: i64) -> Result<bool, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.push("SELECT 1 FROM request_log WHERE tenant_id = ").tenant();
        sql.add(" AND at < ? LIMIT 1", [before.into()]);
        let found = tx.one(sql).await?.is_some();
        tx.commit().await?;
        Ok(found)
    }
}

impl Platform {
    /// Removes what was logged before a time (milliseconds), of all tenants, deleted ones too; gives the number of
    /// entries.
    pub async fn forget_requests(&self, before: i64) -> Result<u64, StoreError> {
        let (mut gone, mut after) = (0, None);
        loop {
            let tenants = self.all_slugs_after(after, TENANTS).await?;
            for (tenant, _) in &tenants {
                let scope = self.tenant(*tenant);
                while scope.has_requests_before(before).await? {
                    gone += scope.forget_some_requests(before).await?;
                }
            }
            after = match tenants.last() {
                Some((last, _)) => Some(*last),
                None => return Ok(gone),
            };
        }
    }

    /// The rows of one tenant.
    fn tenant(&self, tenant: TenantId) -> TenantScope {
        TenantScope { inner: self.inner.clone(), tenant: tenant.0, terms: Default::default() }
    }
}

impl TenantTx {
    /// Takes away from the log what names one of these subjects (folded): path, query, reason and bodies of the entries
    /// that do. That there were such requests, of which kind and how they ended, stays.
    pub(crate) async fn erase_requests(&self, subjects: &BTreeSet<String>) -> Result<(u64, u64), StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT DISTINCT log_id FROM request_subjects WHERE tenant_id = ").tenant();
        sql.push(" AND subject IN ").texts(subjects.iter().map(String::as_str));
        let rows = self.all(sql).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        if ids.is_empty() {
            return Ok((0, 0));
        }
        let mut sql = self.sql();
        sql.push(
            "UPDATE request_log SET path = route, query = NULL, resource_id = NULL, detail = NULL, request_body = NULL, \
             response_body = NULL, request_cut = false, response_cut = false, erased = true WHERE tenant_id = ",
        );
        sql.tenant().push(" AND ").is_one_of("id", &ids);
        let requests = self.run(sql).await?;
        let mut sql = self.sql();
        sql.push("DELETE FROM request_subjects WHERE tenant_id = ").tenant();
        sql.push(" AND ").is_one_of("log_id", &ids);
        Ok((requests, self.run(sql).await?))
    }
}

fn conditions(sql: &mut Sql, query: &RequestQuery) {
    if let Some(method) = &query.method {
        sql.add(" AND method = ?", [method.as_str().into()]);
    }
    if let Some((least, most)) = query.status {
        sql.add(" AND status >= ? AND status <= ?", [least.into(), most.into()]);
        if least >= 400 {
            // So that the index of failures fits, whatever the bound values are.
            sql.push(" AND status >= 400");
        }
    }
    if let Some(path) = &query.path {
        // By its number, since a question mark in the text stands for a value.
        sql.dialect(" AND strpos(", " AND instr(").push("path || CASE WHEN query IS NULL THEN '' ELSE ");
        sql.dialect("chr(63)", "char(63)").add(" || query END, ?) > 0", [path.as_str().into()]);
    }
    if let Some(credential) = query.credential {
        sql.add(" AND credential_id = ?", [credential.0.into()]);
    }
    if let Some(named) = &query.subject {
        sql.push(" AND id IN (SELECT log_id FROM request_subjects WHERE tenant_id = ").tenant();
        sql.add(
            " AND subject = ? ORDER BY at DESC LIMIT ?)",
            [subject(named).unwrap_or_default().into(), OF_SUBJECT.into()],
        );
    }
    if let Some(request_id) = &query.request_id {
        sql.add(" AND request_id = ?", [request_id.as_str().into()]);
    }
    if let Some(from) = query.from {
        sql.add(" AND at >= ?", [from.into()]);
    }
    if let Some(until) = query.until {
        sql.add(" AND at < ?", [until.into()]);
    }
    if let Some(before) = query.before {
        sql.add(" AND (at, id) < (?, ?)", [before.at.into(), before.id.into()]);
    }
}

fn line(row: &QueryResult) -> Result<RequestLine, StoreError> {
    Ok(RequestLine {
        id: row.try_get("", "id")?,
        at: row.try_get("", "at")?,
        request_id: row.try_get("", "request_id")?,
        credential: CredentialId(row.try_get("", "credential_id")?),
        credential_name: row.try_get("", "credential_name")?,
        method: row.try_get("", "method")?,
        route: row.try_get("", "route")?,
        path: row.try_get("", "path")?,
        query: row.try_get("", "query")?,
        resource_id: row.try_get("", "resource_id")?,
        status: row.try_get("", "status")?,
        scim_type: row.try_get("", "scim_type")?,
        detail: row.try_get("", "detail")?,
        duration_us: row.try_get("", "duration_us")?,
        request_bytes: row.try_get("", "request_bytes")?,
        response_bytes: row.try_get("", "response_bytes")?,
        erased: row.try_get("", "erased")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let position = Position { at: -5, id: Uuid::max() };
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "5", "5.", "x.00000000-0000-0000-0000-000000000000", "5.6"] {
            assert_eq!(text.parse::<Position>(), Err(()), "{text}");
        }
    }
}
