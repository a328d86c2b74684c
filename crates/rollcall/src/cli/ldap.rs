//! `rollcall ldap`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `rollcall ldap …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Ldap {
    /// Make users of the entries that are there already
    ///
    /// An entry whose user is there and agrees with it is linked; one that differs is told and left alone, as are several
    /// entries of one user, and entries whose users would be written back otherwise. Nothing in the directory changes. It
    /// can be stopped and begun again at any time. The exit code is 1 when something was left alone.
    Import {
        #[command(flatten)]
        source: LdapSource,
        /// Check every entry and make no user
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare users and entries; nothing is changed
    ///
    /// Tells of entries without a user, users without an entry, attributes that differ, who is active on one side alone, and
    /// several entries of one user. The exit code is 1 when there is anything to tell.
    Reconcile {
        #[command(flatten)]
        source: LdapSource,
    },
}

/// Where to read.
#[derive(Debug, Args)]
pub(crate) struct LdapSource {
    /// Tenant
    pub(crate) slug: String,
    /// Its LDAP destination, by name or id
    pub(crate) destination: String,
    /// Write everything that was found to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
