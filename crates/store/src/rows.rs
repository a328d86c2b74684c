//! Pages of rows, for users and groups alike.

mod counted;

use std::collections::HashMap;

use scim_core::{Document, ResourceKind, filter::Filter};
use sea_orm::QueryResult;
use serde::Serialize;
use uuid::Uuid;

use self::counted::counts_itself;
use crate::{
    Sort, Start, StoreError, Total,
    error::{is_over_time, unreadable},
    filter::{condition, order_by, sort_key, too_slow},
    live::{Spot, write_rest, write_total},
    statement::Sql,
    store::Backend,
    tx::TenantTx,
};

/// What a query selects from.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    /// Kind of the resources in it.
    pub(crate) kind: ResourceKind,
    /// `users r` or `groups r`.
    pub(crate) from: &'static str,
    /// Columns of a whole row; `id` is one of them.
    pub(crate) columns: &'static str,
    /// Which rows there are: [`LIVE`], [`DELETED`] or [`ALL`].
    pub(crate) rows: &'static str,
}

/// The rows that clients see.
pub(crate) const LIVE: &str = "r.deleted_at IS NULL";

/// Those that were soft-deleted.
pub(crate) const DELETED: &str = "r.deleted_at IS NOT NULL";

/// Both of these.
pub(crate) const ALL: &str = "TRUE";

/// Rows of one table, in an order.
#[derive(Clone, Copy)]
pub(crate) struct Select<'q> {
    pub(crate) table: Table,
    pub(crate) filter: Option<&'q Filter>,
    pub(crate) sort: Option<&'q Sort>,
}

impl Select<'_> {
    /// Is it all that clients see, in the order of ids? Of such a list totals and places are kept.
    pub(crate) fn is_plain(self) -> bool {
        self.filter.is_none() && self.sort.is_none() && self.table.rows == LIVE
    }
}

/// Which part of a list.
#[derive(Clone, Copy)]
pub(crate) struct Window<'q> {
    pub(crate) start: &'q Start,
    pub(crate) limit: u64,
    pub(crate) total: Total,
}

/// Rows as read, and what is known of the list around them.
pub(crate) struct Found<T> {
    pub(crate) total: u64,
    pub(crate) rows: Vec<T>,
    pub(crate) more: bool,
}

impl TenantTx {
    /// Rows of a list. [`StoreError::TooMany`] when its filter takes longer than a statement may.
    async fn listed(&self, sql: Sql, selects: &[Select<'_>]) -> Result<Vec<QueryResult>, StoreError> {
        let rows = self.all(sql).await;
        rows.map_err(|error| {
            let mut filtered = selects.iter().filter_map(|select| Some((select.table.kind, select.filter?)));
            match filtered.next() {
                Some((kind, filter)) if is_over_time(&error) => {
                    StoreError::TooMany(too_slow(kind, filter).into())
                }
                _ => error,
            }
        })
    }

    /// Begins `SELECT columns` of this tenant's rows in a table.
    pub(crate) fn select(&self, table: Table) -> Sql {
        let mut sql = self.sql();
        self.write_select(&mut sql, Select { table, filter: None, sort: None }, |sql| {
            sql.push(table.columns);
        });
        sql
    }

    /// Appends `SELECT … FROM … WHERE …`.
    pub(crate) fn write_select(&self, sql: &mut Sql, select: Select<'_>, columns: impl FnOnce(&mut Sql)) {
        if select.table.rows == DELETED {
            // The index of values has live users only.
            sql.leave_index();
        }
        sql.push("SELECT ");
        columns(sql);
        sql.push(" FROM ").push(select.table.from);
        sql.add(" WHERE r.tenant_id = ? AND ", [self.tenant_value()]).push(select.table.rows);
        if let Some(filter) = select.filter {
            sql.push(" AND ");
            condition(sql, select.table.kind, filter);
        }
    }

    /// A page of one table: whole rows.
    pub(crate) async fn page(
        &self,
        select: Select<'_>,
        window: Window<'_>,
    ) -> Result<Found<QueryResult>, StoreError> {
        let (mut rows, mut spot, mut total) = (Vec::new(), None, None);
        if window.limit > 0 {
            let mut sql = self.sql();
            let counts = counts_itself(&sql, select, window);
            spot = self.spot_of(select, window).await?;
            self.write_page(&mut sql, select, window, spot);
            rows = self.listed(sql, &[select]).await?;
            if let (true, Some(row)) = (counts, rows.first()) {
                total = Some(row.try_get::<i64>("", "total")?.cast_unsigned());
            }
        }
        let by_id = |row: &QueryResult| Ok(row.try_get("", "id")?);
        self.found(rows, window, (&[select], spot, total), by_id).await
    }

    /// From where a page by its place is read, if that is kept.
    async fn spot_of(&self, select: Select<'_>, window: Window<'_>) -> Result<Option<Spot>, StoreError> {
        match window.start {
            Start::Offset(offset) if *offset > 0 && select.is_plain() => {
                self.spot(select.table.kind, *offset).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The database's plan for a page of one table, a line a step.
    pub(crate) async fn plan(
        &self,
        select: Select<'_>,
        window: Window<'_>,
    ) -> Result<Vec<String>, StoreError> {
        let mut sql = self.sql();
        sql.dialect("EXPLAIN ", "EXPLAIN QUERY PLAN ");
        let spot = self.spot_of(select, window).await?;
        self.write_page(&mut sql, select, window, spot);
        let column = match self.backend {
            Backend::Postgres => 0,
            Backend::Sqlite => 3,
        };
        self.all(sql).await?.iter().map(|row| Ok(row.try_get_by_index(column)?)).collect()
    }

    fn write_page(&self, sql: &mut Sql, select: Select<'_>, window: Window<'_>, spot: Option<Spot>) {
        if counts_itself(sql, select, window) {
            return self.write_counted_page(sql, select, window);
        }
        self.write_select(sql, select, |sql| {
            sql.push(select.table.columns);
        });
        within(sql, window.start);
        if let Some(spot) = spot {
            sql.push(" AND r.id >= ").bind(spot.first);
        }
        match window.start {
            Start::Before(_) => {
                sql.push(" ORDER BY r.id DESC");
            }
            Start::Among(_) => {}
            Start::Offset(_) | Start::After(_) => order_by(sql, select.table.kind, select.sort),
        }
        cut(sql, window, spot);
    }

    /// A page over several tables: ids.
    pub(crate) async fn page_of_ids(
        &self,
        selects: &[Select<'_>],
        window: Window<'_>,
    ) -> Result<Found<Uuid>, StoreError> {
        let mut ids = Vec::new();
        if window.limit > 0 {
            let mut sql = self.sql();
            let descending = self.write_union(&mut sql, selects, window.start);
            match window.start {
                Start::Before(_) => {
                    sql.push(" ORDER BY x.id DESC");
                }
                Start::Among(_) => {}
                Start::Offset(_) | Start::After(_) => by_key(&mut sql, descending),
            }
            cut(&mut sql, window, None);
            let rows = self.listed(sql, selects).await?;
            ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        }
        self.found(ids, window, (selects, None, None), |id| Ok(*id)).await
    }

    /// The first `max` ids of a whole list.
    pub(crate) async fn ids_in_order(
        &self,
        selects: &[Select<'_>],
        max: u64,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut sql = self.sql();
        let descending = self.write_union(&mut sql, selects, &Start::Offset(0));
        by_key(&mut sql, descending);
        sql.add(" LIMIT ?", [whole(max).into()]);
        self.listed(sql, selects).await?.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Appends `SELECT x.id FROM (…) AS x` over all tables, with the key that they are sorted by; gives its direction.
    fn write_union(&self, sql: &mut Sql, selects: &[Select<'_>], start: &Start) -> Option<bool> {
        // A key is compared with keys of one type only: that of the first table that has one.
        let first = selects.iter().find_map(|select| select.sort);
        let key = first.map(|sort| sort_key(&sort.by));
        sql.push("SELECT x.id FROM (");
        for (position, select) in selects.iter().enumerate() {
            if position > 0 {
                sql.push(" UNION ALL ");
            }
            self.write_select(sql, *select, |sql| {
                sql.push("r.id AS id, ");
                let same = select
                    .sort
                    .filter(|sort| key.as_ref().is_some_and(|key| sort_key(&sort.by).is_like(key)));
                let written = same.is_some_and(|sort| sort_key(&sort.by).write(sql, select.table.kind));
                sql.push(if written { " AS key" } else { "NULL AS key" });
            });
            within(sql, start);
        }
        sql.push(") AS x");
        first.map(|sort| sort.descending)
    }

    /// Cuts the row that was read only to see whether there is one more, and counts what is not known by then.
    async fn found<T>(
        &self,
        mut rows: Vec<T>,
        window: Window<'_>,
        (selects, spot, counted): (&[Select<'_>], Option<Spot>, Option<u64>),
        id: impl Fn(&T) -> Result<Uuid, StoreError>,
    ) -> Result<Found<T>, StoreError> {
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let read = rows.len() as u64;
        let is_last = limit > 0 && !more;
        let total = match (window.start, window.total) {
            (Start::Offset(offset), Total::Whole) if is_last && (read > 0 || *offset == 0) => offset + read,
            (Start::Offset(_) | Start::After(_), Total::Remaining) if is_last => read,
            (Start::Among(_), _) | (_, Total::OfPage) => read,
            (_, Total::Whole) => match counted.or(spot.map(|spot| spot.total)) {
                Some(total) => total,
                None => self.count(selects, None).await?,
            },
            (start, Total::Remaining) => match counted {
                Some(total) => total,
                None => self.count(selects, Some(start)).await?,
            },
        };
        match window.start {
            Start::Before(_) => rows.reverse(),
            Start::Among(ids) => rows = in_order(rows, ids, id)?,
            Start::Offset(_) | Start::After(_) => {}
        }
        Ok(Found { total, rows, more })
    }

    /// Rows of all tables, from a start on; in one statement, so that they are the rows of one moment.
    async fn count(&self, selects: &[Select<'_>], start: Option<&Start>) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT CAST(0 AS bigint)");
        for select in selects {
            sql.push(" + (");
            match start {
                None | Some(Start::Offset(_)) if select.is_plain() => {
                    write_total(&mut sql, select.table.kind);
                    sql.push(")");
                    continue;
                }
                Some(Start::After(id)) if select.is_plain() => {
                    write_rest(&mut sql, select.table, *id);
                    sql.push(")");
                    continue;
                }
                _ => {}
            }
            self.write_select(&mut sql, *select, |sql| {
                sql.push("COUNT(*)");
            });
            if let Some(start) = start {
                within(&mut sql, start);
            }
            sql.push(")");
        }
        let count: i64 = match self.listed(sql, selects).await?.first() {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        let count = u64::try_from(count).unwrap_or_default();
        Ok(match start {
            Some(Start::Offset(offset)) => count.saturating_sub(*offset),
            _ => count,
        })
    }
}

/// Appends the condition that a row stands within the part of the list that begins here.
fn within(sql: &mut Sql, start: &Start) {
    match start {
        Start::Offset(_) => {}
        Start::After(id) => {
            sql.add(" AND r.id > ?", [(*id).into()]);
        }
        Start::Before(id) => {
            sql.add(" AND r.id < ?", [(*id).into()]);
        }
        Start::Among(ids) => {
            sql.push(" AND ").is_one_of("r.id", ids);
        }
    }
}

/// Appends the order of a union.
fn by_key(sql: &mut Sql, descending: Option<bool>) {
    sql.push(match descending {
        None => " ORDER BY x.id",
        Some(true) => " ORDER BY x.key DESC NULLS FIRST, x.id",
        Some(false) => " ORDER BY x.key ASC NULLS LAST, x.id",
    });
}

/// One row more than the page holds, to see whether there is one.
fn cut(sql: &mut Sql, window: Window<'_>, spot: Option<Spot>) {
    sql.add(" LIMIT ?", [whole(window.limit.saturating_add(1)).into()]);
    let skipped = match (window.start, spot) {
        (_, Some(spot)) => spot.skipped,
        (Start::Offset(offset), None) => *offset,
        _ => 0,
    };
    if skipped > 0 {
        sql.add(" OFFSET ?", [whole(skipped).into()]);
    }
}

/// Rows in the order of their ids in a list.
fn in_order<T>(
    rows: Vec<T>,
    ids: &[Uuid],
    id: impl Fn(&T) -> Result<Uuid, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let places: HashMap<Uuid, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut placed = Vec::with_capacity(rows.len());
    for row in rows {
        let place = places.get(&id(&row)?).copied().unwrap_or(usize::MAX);
        placed.push((place, row));
    }
    placed.sort_by_key(|(place, _)| *place);
    Ok(placed.into_iter().map(|(_, row)| row).collect())
}

/// A count as the databases take it.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a document column.
pub(crate) fn document(row: &QueryResult) -> Result<Document, StoreError> {
    parse_document(&row.try_get::<String>("", "document")?)
}

/// Reads the text of a document.
pub(crate) fn parse_document(text: &str) -> Result<Document, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable("document", error))
}

/// The text of a document, as it is kept.
pub(crate) fn document_text(document: &Document) -> String {
    text_of(document)
}

/// The text of JSON that lies in memory as a tree, which always has one.
pub(crate) fn text_of(tree: &impl Serialize) -> String {
    serde_json::to_string(tree).unwrap_or_default()
}

/// A top-level text of a document.
pub(crate) fn text<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.get(name).and_then(serde_json::Value::as_str)
}
