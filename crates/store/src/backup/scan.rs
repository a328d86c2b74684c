//! Looking for texts in every column of every table: is something left of somebody who was purged?

use std::collections::BTreeMap;

use super::{
    BackupError, Progress, TELL,
    cells::Cell,
    columns::{Catalog, catalog},
    select,
    tables::{Place, Rows, TABLES},
    take::slugs,
};
use crate::{
    Store, StoreOptions,
    connect::{self, Address},
    error::unreadable,
};

/// Where a text was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which of the texts, by its place among them.
    pub text: usize,
    /// Table.
    pub table: String,
    /// Column.
    pub column: String,
    /// Slug of the tenant whose row it is.
    pub tenant: Option<String>,
    /// In so many rows.
    pub rows: u64,
}

impl Store {
    /// Looks for these texts, in any case, inside of every value that the database holds: texts, JSON, bytes; in all tables,
    /// those that backups leave out, too. Gives where they are, and through how many rows it looked.
    pub async fn scan(
        &self,
        options: &StoreOptions,
        texts: &[String],
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<(Vec<Found>, u64), BackupError> {
        let address = Address::parse(&options.url)?;
        let db = connect::poller(&address, options, self.pooler())?;
        let looked = async {
            let tx = select::begin(&db, self.backend()).await?;
            let catalog = catalog(&tx).await?;
            let needles = texts.iter().map(|text| Needle::of(text)).collect();
            let mut looking = Looking { needles, found: BTreeMap::new(), rows: 0, progress };
            let tables = |of_tenants: bool| {
                let is_tenants = |place| matches!(place, Place::Tenant(_) | Place::Shared(_));
                TABLES.iter().filter(move |(_, place)| is_tenants(*place) == of_tenants)
            };
            for (table, place) in tables(false) {
                let columns = select_columns(&catalog, table)?;
                // Marks and snapshots of walks are a tenant's: those come with the tenants.
                if columns.iter().any(|column| column.name == "tenant_id") {
                    continue;
                }
                debug_assert!(!matches!(place, Place::Tenant(_)));
                let take = |cells: Vec<Cell>| looking.look(table, columns, None, &cells);
                select::each(&tx, self.backend(), (table, columns), Rows::All, take).await?;
            }
            for (id, slug) in slugs(&tx).await? {
                select::enter(&tx, self.backend(), id).await?;
                for (table, place) in TABLES {
                    let columns = select_columns(&catalog, table)?;
                    let column = match place {
                        Place::Tenant(column) | Place::Shared(column) => column,
                        Place::Left(_) if columns.iter().any(|column| column.name == "tenant_id") => {
                            "tenant_id"
                        }
                        _ => continue,
                    };
                    let take = |cells: Vec<Cell>| looking.look(table, columns, Some(&slug), &cells);
                    select::each(&tx, self.backend(), (table, columns), Rows::Of(column, id), take).await?;
                }
            }
            for (table, place) in TABLES {
                if let Place::Shared(column) = place {
                    let columns = select_columns(&catalog, table)?;
                    let take = |cells: Vec<Cell>| looking.look(table, columns, None, &cells);
                    select::each(&tx, self.backend(), (table, columns), Rows::Rest(column), take).await?;
                }
            }
            tx.rollback().await?;
            Ok((looking.found.into_values().collect(), looking.rows))
        };
        let looked = looked.await;
        connect::close(&db).await;
        looked
    }
}

fn select_columns<'a>(
    catalog: &'a Catalog,
    table: &str,
) -> Result<&'a [super::columns::Column], BackupError> {
    let columns = catalog.get(table).ok_or_else(|| unreadable(table, "there is no such table"))?;
    Ok(columns)
}

struct Looking<'a> {
    needles: Vec<Needle>,
    found: BTreeMap<(usize, String, String, Option<String>), Found>,
    rows: u64,
    progress: &'a dyn Fn(Progress<'_>),
}

impl Looking<'_> {
    fn look(
        &mut self,
        table: &str,
        columns: &[super::columns::Column],
        tenant: Option<&str>,
        cells: &[Cell],
    ) -> Result<(), BackupError> {
        self.rows += 1;
        if self.rows.is_multiple_of(TELL) {
            (self.progress)(Progress { table, tenant, rows: self.rows });
        }
        for (column, cell) in columns.iter().zip(cells) {
            let text = match cell {
                Cell::Text(text) => text.to_lowercase(),
                // As it would be written, and as it is meant.
                Cell::Json(tree) => tree.to_string().to_lowercase(),
                // What is no text in there is of no matter.
                Cell::Bytes(bytes) => String::from_utf8_lossy(bytes).to_lowercase(),
                Cell::Null | Cell::Bool(_) | Cell::Int(_) => continue,
            };
            for (place, needle) in self.needles.iter().enumerate() {
                if needle.is_in(&text) {
                    let key = (place, table.to_owned(), column.name.clone(), tenant.map(str::to_owned));
                    let first = || Found {
                        text: place,
                        table: table.to_owned(),
                        column: column.name.clone(),
                        tenant: tenant.map(str::to_owned),
                        rows: 0,
                    };
                    self.found.entry(key).or_insert_with(first).rows += 1;
                }
            }
        }
        Ok(())
    }
}

/// A text to look for, in lower case.
struct Needle {
    plain: String,
    /// As it stands inside of JSON, if that is another text.
    escaped: Option<String>,
}

impl Needle {
    fn of(text: &str) -> Self {
        let plain = text.to_lowercase();
        let quoted = serde_json::Value::from(plain.as_str()).to_string();
        let escaped = quoted.trim_matches('"').to_owned();
        Self { escaped: (escaped != plain).then_some(escaped), plain }
    }

    fn is_in(&self, text: &str) -> bool {
        text.contains(&self.plain) || self.escaped.as_ref().is_some_and(|escaped| text.contains(escaped))
    }
}
