//! Backups: all rows, or those of some tenants, as lines of JSON that either database takes.
//!
//! A backup is read in one transaction, so it is the state of one moment, and written back in one, so there is no half of it.
//! Its lines: a head; sections, each the rows of one table (of one tenant, where it is a tenant's), with their number and
//! SHA-256 behind them; between them, which tenant comes; an end that says how much there was. What is written is read again
//! and compared before it is committed. Who keeps the lines compresses and encrypts them; secrets in them stay sealed under
//! the master key, which is not among them.

mod cells;
mod columns;
mod lines;
mod restore;
mod scan;
mod select;
mod sums;
mod tables;
mod take;
mod told;

use std::io;

use uuid::Uuid;

use crate::{StoreError, TenantId, keys::DataKey};

pub use restore::Restored;
pub use scan::Found;
pub use sums::TableSum;
pub use tables::{JSON, Place, TABLES};
pub use take::Taken;

/// Whose rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything there is.
    Installation,
    /// Those of these tenants, to be restored beside others.
    Tenants(Vec<TenantId>),
}

/// How a backup is put in place.
pub enum How<'a> {
    /// Not at all: it is only read and compared with its own sums.
    Check,
    /// Everything, into a database that has nothing but its tables. Told each data key, so that a wrong master key is found
    /// before anything is served.
    Whole(&'a dyn Fn(&DataKey) -> Result<DataKey, String>),
    /// The tenant of this slug, beside others. Told each data key that this installation lacks; gives it wrapped by the
    /// present master key.
    Tenant(&'a str, &'a dyn Fn(&DataKey) -> Result<DataKey, String>),
}

/// How far a backup is: told now and then.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Table that is under way.
    pub table: &'a str,
    /// Slug of the tenant, where it is one's.
    pub tenant: Option<&'a str>,
    /// Rows that are done.
    pub rows: u64,
}

/// What a backup begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// When it was made, in milliseconds.
    pub at: i64,
    /// Of which installation.
    pub installation: Uuid,
    /// The last migration of its tables.
    pub schema: String,
    /// Everything, or tenants alone?
    pub whole: bool,
}

/// Why there is no backup, or why one was not put in place; then nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It cannot be done; the text says why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The file.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sea_orm::DbErr> for BackupError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// Rows after which somebody is told how far it is.
const TELL: u64 = 1_000;

/// The last migration that this version knows.
fn schema() -> String {
    use migrations::{Migrator, MigratorTrait};
    Migrator::migrations().last().map_or_else(String::new, |migration| migration.name().to_owned())
}
