//! LDAP: the users of a tenant, written to a directory, and read from it.
//!
//! ```text
//! event ─▶ Writer ─(People: the user now; Mapping: the entry as it should be)─▶ Desk: what differs ─▶ Connection
//! entry ─▶ import, reconcile ─(Mapping, backwards)─▶ provisioning, or a report
//! ```
//!
//! Whose an entry is says one attribute of it, the link, or the id of the user where an attribute holds it. Another's entry is
//! never written to.

mod backwards;
mod carry;
mod connection;
mod desk;
mod dn;
mod import;
mod mapping;
mod people;
mod reconcile;
mod settings;
mod template;
mod terms;
mod walk;

use store::StoreError;

pub use carry::Writer;
pub use import::{Finding, ImportReport};
pub use mapping::Difference;
pub(crate) use people::People;
pub use reconcile::{Differing, LoneEntry, LoneUser, Reconciliation, Several};
pub use settings::{Active, Directory, Link, OnDelete, Secrets, Settings, Templates};
pub use terms::{LdapChange, NewLdap};

/// Why an import or a comparison did not come to its end. The texts are for people.
#[derive(Debug, thiserror::Error)]
pub enum LdapError {
    /// The directory cannot be read, or not all of it.
    #[error("{0}")]
    Directory(String),
    /// Users could not be written; what was done is done, and it can be begun again.
    #[error("it ended half way, and can be begun again: {0}")]
    Stopped(String),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<connection::Fault> for LdapError {
    fn from(fault: connection::Fault) -> Self {
        Self::Directory(fault.into_text())
    }
}
