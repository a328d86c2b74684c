//! Pages of users that an index finds, counted by the statement that reads them: looking for them once is half the work.

use super::{LIVE, Select, Table, Window, cut, within};
use crate::{
    Start, Total,
    filter::{answer, finds_many},
    statement::Sql,
    store::Backend,
    tx::TenantTx,
};

/// Is a page cut out of all that fit, which are counted with it? Where an index finds those, on PostgreSQL; SQLite makes no
/// round trips.
pub(super) fn counts_itself(sql: &Sql, select: Select<'_>, window: Window<'_>) -> bool {
    let Select { table, filter: Some(filter), sort: None } = select else { return false };
    let counted = matches!(
        (window.start, window.total),
        (Start::Offset(_), Total::Whole) | (Start::After(_), Total::Whole | Total::Remaining)
    );
    sql.backend() == Backend::Postgres
        && sql.is_indexed()
        && table.rows == LIVE
        && counted
        && finds_many(table.kind, filter)
}

impl TenantTx {
    /// Such a page; each row says the `total`.
    pub(super) fn write_counted_page(&self, sql: &mut Sql, select: Select<'_>, window: Window<'_>) {
        let Table { kind, from, columns, .. } = select.table;
        sql.push("WITH found AS MATERIALIZED (");
        if !select.filter.is_some_and(|filter| answer(sql, kind, filter)) {
            self.write_select(sql, select, |sql| {
                sql.push("r.id");
            });
        }
        sql.push(") SELECT ").push(columns).push(", (SELECT COUNT(*) FROM found r WHERE TRUE");
        if window.total == Total::Remaining {
            within(sql, window.start);
        }
        sql.push(") AS total FROM ").push(from).push(" WHERE r.tenant_id = ").tenant();
        sql.push(" AND r.id IN (SELECT r.id FROM found r WHERE TRUE");
        within(sql, window.start);
        sql.push(" ORDER BY r.id");
        cut(sql, window, None);
        sql.push(") ORDER BY r.id");
    }
}
