//! Requests per tenant and hour.

use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

use crate::{
    Platform, StoreError, TenantId, TenantScope,
    statement::Sql,
    store::{Backend, Inner},
};

/// An hour, in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// The beginning of the hour (UTC) that a time lies in, both in milliseconds.
#[must_use]
pub fn hour_of(at: i64) -> i64 {
    at - at.rem_euclid(HOUR)
}

/// Authenticated requests, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// All of them.
    pub requests: i64,
    /// Answered 4xx.
    pub client_errors: i64,
    /// Answered 5xx.
    pub server_errors: i64,
    /// Time that all of them took, in microseconds.
    pub duration_us: i64,
}

impl Traffic {
    /// Counts one more.
    pub fn count(&mut self, status: i32, duration_us: i64) {
        self.add(&Self {
            requests: 1,
            client_errors: i64::from((400..500).contains(&status)),
            server_errors: i64::from(status >= 500),
            duration_us,
        });
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.duration_us = self.duration_us.saturating_add(other.duration_us);
    }

    /// Answered 4xx or 5xx.
    #[must_use]
    pub fn failures(&self) -> i64 {
        self.client_errors + self.server_errors
    }
}

/// One hour of one tenant, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourOfTraffic {
    /// Its beginning, in milliseconds.
    pub hour: i64,
    /// What was counted in it.
    pub traffic: Traffic,
}

impl TenantScope {
    /// The tenant's hours from one time to before another (milliseconds), oldest first. Hours without a request are
    /// missing.
    pub async fn traffic(&self, from: i64, until: i64) -> Result<Vec<HourOfTraffic>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, self.tenant);
        sql.push(
            "SELECT hour, requests, client_errors, server_errors, duration_us FROM traffic WHERE tenant = ",
        )
        .tenant()
        .add(" AND hour >= ? AND hour < ? ORDER BY hour", [from.into(), until.into()]);
        hours(&self.inner, sql).await
    }
}

impl Platform {
    /// The hours of all tenants together, as [`TenantScope::traffic`] gives those of one.
    pub async fn traffic(&self, from: i64, until: i64) -> Result<Vec<HourOfTraffic>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, Uuid::nil());
        sql.push("SELECT hour, ");
        write_sums(&mut sql);
        sql.add(
            " FROM traffic WHERE hour >= ? AND hour < ? GROUP BY hour ORDER BY hour",
            [from.into(), until.into()],
        );
        hours(&self.inner, sql).await
    }

    /// The hours of these tenants together.
    pub async fn traffic_among(
        &self,
        tenants: &[TenantId],
        from: i64,
        until: i64,
    ) -> Result<Vec<HourOfTraffic>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, Uuid::nil());
        sql.push("SELECT hour, ");
        write_sums(&mut sql);
        sql.push(" FROM traffic WHERE tenant IN ")
            .ids(tenants.iter().map(|tenant| &tenant.0))
            .add(" AND hour >= ? AND hour < ? GROUP BY hour ORDER BY hour", [from.into(), until.into()]);
        hours(&self.inner, sql).await
    }

    /// What each tenant has sent from one time to before another (milliseconds, hours that begin in between), in the
    /// order of their ids. Tenants without a request are missing.
    pub async fn traffic_of_tenants(
        &self,
        from: i64,
        until: i64,
    ) -> Result<Vec<(TenantId, Traffic)>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, Uuid::nil());
        sql.push("SELECT tenant, ");
        write_sums(&mut sql);
        sql.add(
            " FROM traffic WHERE hour >= ? AND hour < ? GROUP BY tenant ORDER BY tenant",
            [from.into(), until.into()],
        );
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Ok((TenantId(row.try_get_by_index(0)?), counts(row)?))).collect()
    }

    /// Removes the hours that began before a time (milliseconds); gives their number.
    pub async fn forget_traffic(&self, before: i64) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let mut sql = Sql::new(self.inner.backend, Uuid::nil());
        sql.add("DELETE FROM traffic WHERE hour < ?", [before.into()]);
        let gone = tx.db.execute_raw(sql.into_statement()).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}

/// Appends the sums of all counters; sums of bigint are numeric on PostgreSQL.
fn write_sums(sql: &mut Sql) {
    sql.push(
        "CAST(SUM(requests) AS bigint), CAST(SUM(client_errors) AS bigint), CAST(SUM(server_errors) AS bigint), \
         CAST(SUM(duration_us) AS bigint)",
    );
}

async fn hours(inner: &Inner, sql: Sql) -> Result<Vec<HourOfTraffic>, StoreError> {
    let rows = inner.db.query_all_raw(sql.into_statement()).await?;
    rows.iter()
        .map(|row| Ok(HourOfTraffic { hour: row.try_get_by_index(0)?, traffic: counts(row)? }))
        .collect()
}

/// The counters that follow the first column.
fn counts(row: &QueryResult) -> Result<Traffic, StoreError> {
    Ok(Traffic {
        requests: row.try_get_by_index(1)?,
        client_errors: row.try_get_by_index(2)?,
        server_errors: row.try_get_by_index(3)?,
        duration_us: row.try_get_by_index(4)?,
    })
}

/// A statement that adds to counters, rows in the order given.
pub(super) fn upsert(backend: Backend, rows: &[(TenantId, i64, Traffic)]) -> Sql {
    let mut sql = Sql::new(backend, Uuid::nil());
    sql.push(
        "INSERT INTO traffic AS kept (tenant, hour, requests, client_errors, server_errors, duration_us) VALUES ",
    );
    for (position, (tenant, hour, traffic)) in rows.iter().enumerate() {
        if position > 0 {
            sql.push(", ");
        }
        let Traffic { requests, client_errors, server_errors, duration_us } = *traffic;
        sql.add(
            "(?, ?, ?, ?, ?, ?)",
            [
                tenant.0.into(),
                (*hour).into(),
                requests.into(),
                client_errors.into(),
                server_errors.into(),
                duration_us.into(),
            ],
        );
    }
    sql.push(
        " ON CONFLICT (tenant, hour) DO UPDATE SET requests = kept.requests + excluded.requests, \
         client_errors = kept.client_errors + excluded.client_errors, \
         server_errors = kept.server_errors + excluded.server_errors, \
         duration_us = kept.duration_us + excluded.duration_us",
    );
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_begin_at_whole_ones() {
        assert_eq!(hour_of(0), 0);
        assert_eq!(hour_of(HOUR - 1), 0);
        assert_eq!(hour_of(HOUR), HOUR);
        assert_eq!(hour_of(-1), -HOUR);
    }

    #[test]
    fn failures_are_theirs_or_ours() {
        let mut traffic = Traffic::default();
        for status in [200, 404, 409, 503] {
            traffic.count(status, 10);
        }
        let wanted = Traffic { requests: 4, client_errors: 2, server_errors: 1, duration_us: 40 };
        assert_eq!((traffic, traffic.failures()), (wanted, 3));
    }
}
