//! Pages of live rows, for users and groups alike.

use scim_core::{Document, ResourceKind, filter::Filter};
use sea_orm::QueryResult;

use crate::{
    ListQuery, StoreError,
    error::unreadable,
    filter::{condition, order_by},
    statement::Sql,
    tx::TenantTx,
};

/// What a query selects from.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    /// Kind of the resources in it.
    pub(crate) kind: ResourceKind,
    /// `users r` or `groups r`.
    pub(crate) from: &'static str,
    /// Columns of a whole row.
    pub(crate) columns: &'static str,
}

impl TenantTx {
    /// Begins `SELECT columns` of this tenant's live rows.
    pub(crate) fn select(&self, table: Table) -> Sql {
        self.select_columns(table, table.columns, None)
    }

    fn select_columns(&self, table: Table, columns: &'static str, filter: Option<&Filter>) -> Sql {
        let mut sql = self.sql();
        sql.push("SELECT ").push(columns).push(" FROM ").push(table.from);
        sql.add(" WHERE r.tenant_id = ? AND r.deleted_at IS NULL", [self.tenant_value()]);
        if let Some(filter) = filter {
            sql.push(" AND ");
            condition(&mut sql, table.kind, filter);
        }
        sql
    }

    /// The number of all live rows that match, and the rows of one page. Rows are counted only when the page does
    /// not already tell.
    pub(crate) async fn page(
        &self,
        table: Table,
        query: &ListQuery,
    ) -> Result<(u64, Vec<QueryResult>), StoreError> {
        let rows = if query.limit == 0 { Vec::new() } else { self.page_rows(table, query).await? };
        let read = rows.len() as u64;
        let is_last = read < query.limit && (read > 0 || query.offset == 0);
        let total = if is_last {
            query.offset + read
        } else {
            let sql = self.select_columns(table, "COUNT(*)", query.filter.as_ref());
            let count: i64 = match self.one(sql).await? {
                Some(row) => row.try_get_by_index(0)?,
                None => 0,
            };
            u64::try_from(count).unwrap_or_default()
        };
        Ok((total, rows))
    }

    async fn page_rows(&self, table: Table, query: &ListQuery) -> Result<Vec<QueryResult>, StoreError> {
        let mut sql = self.select_columns(table, table.columns, query.filter.as_ref());
        order_by(&mut sql, table.kind, query.sort.as_ref());
        sql.add(" LIMIT ? OFFSET ?", [whole(query.limit).into(), whole(query.offset).into()]);
        self.all(sql).await
    }
}

/// A count as the databases take it.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a document column.
pub(crate) fn document(row: &QueryResult) -> Result<Document, StoreError> {
    let text: String = row.try_get("", "document")?;
    serde_json::from_str(&text).map_err(|error| unreadable("document", error))
}

/// The text of a document, as it is kept.
pub(crate) fn document_text(document: &Document) -> Result<String, StoreError> {
    serde_json::to_string(document).map_err(|error| unreadable("document", error))
}

/// A top-level text of a document.
pub(crate) fn text<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.get(name).and_then(serde_json::Value::as_str)
}
