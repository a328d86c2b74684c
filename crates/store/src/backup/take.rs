//! Making a backup.

use std::io::Write;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Statement};
use uuid::Uuid;

use super::{
    BackupError, Head, Progress, Scope, TELL, cells,
    columns::{Catalog, catalog},
    lines::{FORM, Line},
    schema, select,
    sums::{Sum, Sums, TableSum},
    tables::{self, DATA_KEYS, Rows},
};
use crate::{
    Store, StoreError, StoreOptions,
    connect::{self, Address},
    error::unreadable,
    store::Backend,
};

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How it begins.
    pub head: Head,
    /// How many tenants are in it, deleted ones among them.
    pub tenants: u64,
    /// What each table came to.
    pub tables: Vec<TableSum>,
}

impl Store {
    /// Writes a backup, as of one moment, while servers go on. Of the tenants that were named all must be there.
    pub async fn back_up(
        &self,
        options: &StoreOptions,
        scope: &Scope,
        into: &mut dyn Write,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Taken, BackupError> {
        let address = Address::parse(&options.url)?;
        // A connection of its own: those of requests have a limit for each statement.
        let db = connect::poller(&address, options, self.pooler())?;
        let taken = async {
            let tx = select::begin(&db, self.backend()).await?;
            let head = Head {
                at: self.now(),
                installation: installation(&tx).await?,
                schema: schema(),
                whole: *scope == Scope::Installation,
            };
            let catalog = catalog(&tx).await?;
            let mut writing =
                Writing { tx: &tx, backend: self.backend(), catalog, into, progress, sums: Sums::default() };
            let tenants = writing.all(&head, scope).await?;
            let tables = std::mem::take(&mut writing.sums).tables();
            tx.rollback().await?;
            Ok(Taken { head, tenants, tables })
        };
        let taken = taken.await;
        connect::close(&db).await;
        taken
    }
}

/// The installation's id.
pub(super) async fn installation(tx: &DatabaseTransaction) -> Result<Uuid, StoreError> {
    let sql = "SELECT id FROM installation";
    let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
    let row = row.ok_or_else(|| unreadable("installation", "there is none: run `rollcall migrate`"))?;
    Ok(row.try_get_by_index(0)?)
}

/// Ids and slugs of all tenants, deleted and purged ones, too, in their order.
pub(super) async fn slugs(tx: &DatabaseTransaction) -> Result<Vec<(Uuid, String)>, StoreError> {
    let sql = "SELECT id, slug FROM tenants ORDER BY id";
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

struct Writing<'a> {
    tx: &'a DatabaseTransaction,
    backend: Backend,
    catalog: Catalog,
    into: &'a mut dyn Write,
    progress: &'a dyn Fn(Progress<'_>),
    sums: Sums,
}

impl Writing<'_> {
    /// Gives the number of tenants.
    async fn all(&mut self, head: &Head, scope: &Scope) -> Result<u64, BackupError> {
        let Head { at, installation, schema, whole } = head.clone();
        self.line(&Line::RollcallBackup { form: FORM, at, installation, schema, whole })?;
        let mut tenants = slugs(self.tx).await?;
        if let Scope::Tenants(wanted) = scope {
            tenants.retain(|(id, _)| wanted.iter().any(|one| one.0 == *id));
            if tenants.len() != wanted.len() {
                return Err(BackupError::Refused("a tenant is not there any more".into()));
            }
            self.section(DATA_KEYS, Rows::All, None).await?;
        } else {
            for (table, rows) in tables::before_tenants() {
                self.section(table, rows, None).await?;
            }
        }
        for (id, slug) in &tenants {
            self.line(&Line::Tenant { id: *id, slug: slug.clone() })?;
            select::enter(self.tx, self.backend, *id).await?;
            for (table, rows) in tables::of_tenant(*id) {
                self.section(table, rows, Some(slug)).await?;
            }
        }
        if *scope == Scope::Installation {
            for (table, rows) in tables::after_tenants() {
                self.section(table, rows, None).await?;
            }
        }
        let tenants = tenants.len() as u64;
        self.line(&Line::End { tenants, sections: self.sums.sections, rows: self.sums.rows })?;
        Ok(tenants)
    }

    /// The rows of a table, if there are any.
    async fn section(
        &mut self,
        table: &'static str,
        rows: Rows,
        slug: Option<&str>,
    ) -> Result<(), BackupError> {
        let columns = self.catalog.get(table).ok_or_else(|| unreadable(table, "there is no such table"))?;
        let tenant = if let Rows::Of(_, id) = rows { Some(id) } else { None };
        let (mut sum, mut line) = (Sum::default(), String::new());
        let (into, done) = (&mut *self.into, self.sums.rows);
        select::each(self.tx, self.backend, (table, columns), rows, |cells| {
            if sum.rows == 0 {
                let columns = columns.iter().map(|column| column.name.clone()).collect();
                writeln!(into, "{}", Line::Table { name: table.to_owned(), tenant, columns }.text())?;
            }
            line.clear();
            cells::write(&cells, &mut line);
            sum.add(&line);
            line.push('\n');
            into.write_all(line.as_bytes())?;
            if sum.rows.is_multiple_of(TELL) {
                (self.progress)(Progress { table, tenant: slug, rows: done + sum.rows });
            }
            Ok(())
        })
        .await?;
        if sum.rows == 0 {
            return Ok(());
        }
        self.sums.add(table, &sum);
        self.line(&Line::Rows { count: sum.rows, sha256: cells::hex(&sum.sha256()) })?;
        (self.progress)(Progress { table, tenant: slug, rows: self.sums.rows });
        Ok(())
    }

    fn line(&mut self, line: &Line) -> Result<(), BackupError> {
        writeln!(self.into, "{}", line.text())?;
        Ok(())
    }
}
