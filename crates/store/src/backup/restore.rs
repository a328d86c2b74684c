//! Putting a backup in place: in one transaction, what was written read again and compared before it is committed.

mod put;

use std::io::BufRead;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait as _,
};
use uuid::Uuid;

use self::put::{Changes, Put};
use super::{
    BackupError, Head, How, Progress, TELL,
    cells::{self, Cell},
    columns::{Catalog, Column, catalog},
    lines::{FORM, Line},
    schema, select,
    sums::{Sum, Sums, TableSum},
    tables::{DATA_KEYS, DESTINATIONS, Place, SEEDED, TABLES, rows_of},
};
use crate::{
    Store, StoreOptions,
    connect::{self, Address},
    keys::DataKey,
    signals::CONFIGURATION,
    store::Backend,
};

/// A backup that was put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How it begins.
    pub head: Head,
    /// How many tenants were put in place.
    pub tenants: u64,
    /// What each table came to, by the backup and by what stands in the database now.
    pub tables: Vec<TableSum>,
    /// Is it another installation than the one that the backup is of? Then bearer tokens of its tenants open nothing here.
    pub elsewhere: bool,
    /// Were data keys added?
    pub keys_added: usize,
}

/// Bytes of the longest line: a part of a file that is being imported, in hexadecimal.
const LONGEST: u64 = 64 * 1024 * 1024;

impl Store {
    /// Reads a backup to its end and puts it in place, as the owner of the tables: all of it, or nothing.
    pub async fn restore(
        options: &StoreOptions,
        from: &mut dyn BufRead,
        how: How<'_>,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Restored, BackupError> {
        if let How::Check = how {
            let mut reading = Reading::new(from, &how, progress, None, Catalog::new());
            return reading.all().await;
        }
        let address = Address::parse(options.migrate_url.as_deref().unwrap_or(&options.url))?;
        let backend = address.backend();
        let lock = connect::migration_lock(&address, options).await?;
        let db = connect::owner(&address, options).await?;
        let restored = async {
            let mode = (backend == Backend::Sqlite).then_some(SqliteTransactionMode::Immediate);
            let options = TransactionOptions { sqlite_transaction_mode: mode, ..Default::default() };
            let tx = db.begin_with_options(options).await?;
            if backend == Backend::Postgres {
                select::without_limits(&tx).await?;
            }
            let catalog = catalog(&tx).await?;
            if let How::Whole(_) = how {
                empty(&tx, backend, &catalog).await?;
            }
            let mut reading = Reading::new(from, &how, progress, Some((&tx, backend)), catalog);
            let restored = reading.all().await?;
            drop(reading);
            tx.commit().await?;
            if backend == Backend::Postgres {
                // Plans were made for empty tables.
                db.execute_unprepared("ANALYZE").await?;
            }
            Ok(restored)
        };
        let restored = restored.await;
        connect::close(&db).await;
        lock.release().await;
        restored
    }
}

/// Refuses a database in which something stands, and takes away what migrations put there.
async fn empty(tx: &DatabaseTransaction, backend: Backend, catalog: &Catalog) -> Result<(), BackupError> {
    for (table, place) in TABLES {
        // Rows of tenants cannot be without one; PostgreSQL would not show them here.
        let own = !matches!(place, Place::Tenant(_) | Place::Left(_)) || *table == "tenants";
        if !own || SEEDED.contains(table) || !catalog.contains_key(*table) {
            continue;
        }
        let sql = format!("SELECT 1 AS one FROM \"{table}\" LIMIT 1");
        if tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await?.is_some() {
            let fresh = match backend {
                Backend::Sqlite => {
                    "name a file that is not there yet (--database-url sqlite://…, or another --data-dir)"
                }
                Backend::Postgres => "make a new database and run `rollcall migrate` on it",
            };
            return Err(BackupError::Refused(format!(
                "this database is in use (there are rows in {table}), and a backup takes nothing's place: {fresh}; one tenant \
                 can be restored beside others with --tenant"
            )));
        }
    }
    for table in SEEDED {
        tx.execute_unprepared(&format!("DELETE FROM \"{table}\"")).await?;
    }
    Ok(())
}

/// Where rows go.
type Target<'a> = Option<(&'a DatabaseTransaction, Backend)>;

struct Reading<'a> {
    from: &'a mut dyn BufRead,
    how: &'a How<'a>,
    progress: &'a dyn Fn(Progress<'_>),
    target: Target<'a>,
    catalog: Catalog,
    /// Its number, from 1.
    line: u64,
    /// What the backup says of itself.
    sums: Sums,
    /// What was put in place.
    put: Sums,
    /// The tenant whose sections come.
    tenant: Option<(Uuid, String)>,
    tenants: u64,
    tenants_put: u64,
    keys: Vec<DataKey>,
    keys_added: usize,
    changes: Changes,
}

/// A section that is being read.
struct Section {
    table: &'static str,
    columns: Vec<Column>,
    sum: Sum,
    /// Where its rows go, if they go anywhere.
    put: Option<Put>,
}

impl<'a> Reading<'a> {
    fn new(
        from: &'a mut dyn BufRead,
        how: &'a How<'a>,
        progress: &'a dyn Fn(Progress<'_>),
        target: Target<'a>,
        catalog: Catalog,
    ) -> Self {
        Self {
            from,
            how,
            progress,
            target,
            catalog,
            line: 0,
            sums: Sums::default(),
            put: Sums::default(),
            tenant: None,
            tenants: 0,
            tenants_put: 0,
            keys: Vec::new(),
            keys_added: 0,
            changes: Changes::default(),
        }
    }

    async fn all(&mut self) -> Result<Restored, BackupError> {
        let mut text = String::new();
        let head = self.head(&mut text).await?;
        loop {
            if !self.next(&mut text)? {
                return Err(self.broken("the file ends before the backup does"));
            }
            match self.control(&text)? {
                Line::Tenant { id, slug } => self.begin_tenant(id, slug).await?,
                Line::Table { name, tenant, columns } => {
                    self.section(&mut text, &name, tenant, &columns).await?
                }
                Line::End { tenants, sections, rows } => {
                    if (tenants, sections, rows) != (self.tenants, self.sums.sections, self.sums.rows) {
                        return Err(self.broken("there is less, or more, than its last line says"));
                    }
                    break;
                }
                Line::RollcallBackup { .. } | Line::Rows { .. } => {
                    return Err(self.broken("this line does not belong here"));
                }
            }
        }
        if self.next(&mut text)? {
            return Err(self.broken("something stands behind its end"));
        }
        let elsewhere = self.finish(&head).await?;
        let sums = if self.target.is_some() { &mut self.put } else { &mut self.sums };
        let tables = std::mem::take(sums).tables();
        let tenants = if self.target.is_some() { self.tenants_put } else { self.tenants };
        Ok(Restored { head, tenants, tables, elsewhere, keys_added: self.keys_added })
    }

    async fn head(&mut self, text: &mut String) -> Result<Head, BackupError> {
        let foreign = "this is no backup of Rollcall";
        if !self.next(text)? {
            return Err(self.broken(foreign));
        }
        let Ok(Line::RollcallBackup { form, at, installation, schema: made, whole }) =
            serde_json::from_str(text)
        else {
            return Err(self.broken(foreign));
        };
        if form != FORM || made != schema() {
            return Err(BackupError::Refused(format!(
                "the backup has the tables of another version of Rollcall (form {form}, {made}; this one has form {FORM}, {}): \
                 restore it with the version that made it, then migrate with this one",
                schema()
            )));
        }
        let head = Head { at, installation, schema: made, whole };
        match self.how {
            How::Whole(_) if !whole => {
                return Err(BackupError::Refused(
                    "the backup is one of tenants alone: name one of them with --tenant".into(),
                ));
            }
            How::Tenant(slug, _) => {
                self.free(slug).await?;
                if let Some((tx, _)) = self.target {
                    self.changes = Changes::here(tx).await?;
                }
            }
            _ => {}
        }
        Ok(head)
    }

    /// Refuses a tenant whose slug is taken.
    async fn free(&self, slug: &str) -> Result<(), BackupError> {
        let Some((tx, _)) = self.target else { return Ok(()) };
        let sql = "SELECT 1 AS one FROM tenants WHERE slug = $1";
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [slug.into()]);
        if tx.query_one_raw(statement).await?.is_some() {
            return Err(BackupError::Refused(format!(
                "there is, or was, a tenant {slug:?} here, and a slug is never used again"
            )));
        }
        Ok(())
    }

    async fn begin_tenant(&mut self, id: Uuid, slug: String) -> Result<(), BackupError> {
        self.tenants += 1;
        if self.takes(Some(&slug))
            && let Some((tx, backend)) = self.target
        {
            select::enter(tx, backend, id).await?;
            self.tenants_put += 1;
        }
        self.tenant = Some((id, slug));
        Ok(())
    }

    /// Are the sections of this tenant, or of none, to be put in place?
    fn takes(&self, slug: Option<&str>) -> bool {
        match self.how {
            How::Check => false,
            How::Whole(_) => true,
            How::Tenant(wanted, _) => slug == Some(wanted),
        }
    }

    async fn section(
        &mut self,
        text: &mut String,
        name: &str,
        tenant: Option<Uuid>,
        columns: &[String],
    ) -> Result<(), BackupError> {
        let now = self.tenant.as_ref().map(|(id, _)| *id);
        let Some((table, rows)) = rows_of(name, tenant).filter(|_| tenant.is_none() || tenant == now) else {
            return Err(self.broken("it has a section that no backup has"));
        };
        let slug = tenant.and(self.tenant.as_ref()).map(|(_, slug)| slug.clone());
        let put = self.takes(slug.as_deref());
        let columns = match (self.catalog.get(table), self.target) {
            (Some(known), _) => {
                if !known.iter().map(|column| &column.name).eq(columns) {
                    return Err(self.broken("it has other columns than this database"));
                }
                known.clone()
            }
            (None, Some(_)) => return Err(self.broken("it has a table that this database lacks")),
            (None, None) => Vec::new(),
        };
        if table == DESTINATIONS && put && slug.is_some() {
            self.adopt().await?;
        }
        let keep_keys = table == DATA_KEYS && matches!(self.how, How::Whole(_) | How::Tenant(..));
        let changes = if let How::Tenant(..) = self.how { self.changes.of(table) } else { Vec::new() };
        let put = put.then(|| Put::new(table, &columns, changes));
        let mut section = Section { table, columns, sum: Sum::default(), put };
        let (count, sha256) = loop {
            if !self.next(text)? {
                return Err(self.broken("the file ends before the backup does"));
            }
            if !text.starts_with('[') {
                match self.control(text)? {
                    Line::Rows { count, sha256 } => break (count, sha256),
                    _ => return Err(self.broken("this line does not belong here")),
                }
            }
            section.sum.add(text);
            if section.sum.rows.is_multiple_of(TELL) {
                let rows = self.sums.rows + section.sum.rows;
                (self.progress)(Progress { table, tenant: slug.as_deref(), rows });
            }
            if keep_keys || section.put.is_some() {
                let cells = cells::parse(text, &section.columns);
                let cells = cells.ok_or_else(|| self.broken("a row does not fit its table"))?;
                if keep_keys {
                    self.keys.extend(data_key(&section.columns, &cells));
                }
                if let (Some(put), Some((tx, backend))) = (&mut section.put, self.target) {
                    put.row(tx, backend, cells).await?;
                }
            }
        };
        if count != section.sum.rows || sha256 != cells::hex(&section.sum.sha256()) {
            return Err(self.broken(
                "the rows are not those that were written: their number or their digest is another",
            ));
        }
        if let (Some(put), Some((tx, backend))) = (section.put, self.target) {
            let written = put.finish(tx, backend).await?;
            self.read_back(tx, backend, (table, &section.columns), rows, &written).await?;
        }
        self.sums.add(section.table, &section.sum);
        if table == DATA_KEYS
            && let How::Whole(opens) = self.how
        {
            for key in &self.keys {
                opens(key).map_err(BackupError::Refused)?;
            }
        }
        (self.progress)(Progress { table, tenant: slug.as_deref(), rows: self.sums.rows });
        Ok(())
    }

    /// Compares what stands in the database with what was sent there.
    async fn read_back(
        &mut self,
        tx: &DatabaseTransaction,
        backend: Backend,
        (table, columns): (&str, &[Column]),
        rows: super::tables::Rows,
        written: &Sum,
    ) -> Result<(), BackupError> {
        let (mut kept, mut line) = (Sum::default(), String::new());
        select::each(tx, backend, (table, columns), rows, |cells| {
            line.clear();
            cells::write(&cells, &mut line);
            kept.add(&line);
            Ok(())
        })
        .await?;
        if (kept.rows, kept.sha256()) != (written.rows, written.sha256()) {
            return Err(BackupError::Refused(format!(
                "{} rows of {table} were written and {} read back, or they are not the same; nothing was changed",
                written.rows, kept.rows
            )));
        }
        self.put.add(table, &kept);
        Ok(())
    }

    /// Adds the data keys that secrets of the tenant may be sealed under, and that are not here.
    async fn adopt(&mut self) -> Result<(), BackupError> {
        let (How::Tenant(_, wrapped_anew), Some((tx, _))) = (self.how, self.target) else { return Ok(()) };
        let (known, oldest) = put::data_keys(tx).await?;
        for key in std::mem::take(&mut self.keys) {
            if known.contains(&key.id) {
                continue;
            }
            // Older than all that are here: those that run seal under their newest one.
            let created_at = oldest.map_or(key.created_at, |oldest| key.created_at.min(oldest - 1));
            let key = DataKey { created_at, ..wrapped_anew(&key).map_err(BackupError::Refused)? };
            put::data_key(tx, &key).await?;
            self.keys_added += 1;
        }
        Ok(())
    }

    /// What comes when all rows are there.
    async fn finish(&mut self, head: &Head) -> Result<bool, BackupError> {
        let (How::Tenant(slug, _), Some((tx, _))) = (self.how, self.target) else { return Ok(false) };
        if self.tenants_put == 0 {
            return Err(BackupError::Refused(format!("the backup has no tenant {slug:?}")));
        }
        let sql = "UPDATE epochs SET value = value + 1 WHERE name = $1";
        let values = [CONFIGURATION.into()];
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
        Ok(super::take::installation(tx).await? != head.installation)
    }

    /// The next line, without its end; `false`: there is none.
    fn next(&mut self, text: &mut String) -> Result<bool, BackupError> {
        text.clear();
        self.line += 1;
        let read = std::io::Read::take(&mut *self.from, LONGEST).read_line(text)?;
        if read == 0 {
            return Ok(false);
        }
        if text.pop() != Some('\n') {
            return Err(self.broken("the file ends before the backup does"));
        }
        Ok(true)
    }

    fn control(&self, text: &str) -> Result<Line, BackupError> {
        serde_json::from_str(text).map_err(|_| self.broken("this line is none of a backup's"))
    }

    fn broken(&self, what: &str) -> BackupError {
        BackupError::Refused(format!("line {} of the backup: {what}; nothing was changed", self.line))
    }
}

/// A row of `data_keys`.
fn data_key(columns: &[Column], cells: &[Cell]) -> Option<DataKey> {
    let cell =
        |name: &str| columns.iter().zip(cells).find(|(column, _)| column.name == name).map(|(_, cell)| cell);
    let (Some(Cell::Bytes(id)), Some(Cell::Bytes(wrapped)), Some(Cell::Int(created_at))) =
        (cell("id"), cell("wrapped"), cell("created_at"))
    else {
        return None;
    };
    Some(DataKey { id: Uuid::from_slice(id).ok()?, wrapped: wrapped.clone(), created_at: *created_at })
}
