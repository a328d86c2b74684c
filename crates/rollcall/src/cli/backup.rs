//! The commands for backups.

use std::path::PathBuf;

use clap::Args;

/// `rollcall backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Where to; `-` is stdout
    pub(crate) file: PathBuf,
    /// Of this tenant alone, to be restored beside others; several times: of each
    #[arg(long = "tenant", value_name = "SLUG")]
    pub(crate) tenants: Vec<String>,
    /// Encrypt for the holder of this public key (age1…, of `age-keygen`); several times: for each of them
    #[arg(long = "recipient", value_name = "KEY", conflicts_with = "passphrase_file")]
    pub(crate) recipients: Vec<String>,
    /// Encrypt with the passphrase on the first line of this file; without either it is asked for
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// As JSON: `{made, installation, tenants, tables: [{table, rows, sha256}]}`; on stderr if the backup is on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// `rollcall restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup; `-` is stdin
    pub(crate) file: PathBuf,
    /// This tenant alone, beside those that are here
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
    /// Only read it to its end and compare it with its own sums; no database is touched
    #[arg(long, conflicts_with = "tenant")]
    pub(crate) check: bool,
    /// The private key that it was made for: a file of `age-keygen`
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub(crate) identity: Option<PathBuf>,
    /// The passphrase is on the first line of this file; without either it is asked for
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The master key that it was made under is lost: restore it all the same, then run `rollcall key replace`
    #[arg(long, conflicts_with_all = ["tenant", "check"])]
    pub(crate) lost_master_key: bool,
    /// As JSON: `{made, installation, tenants, tables: [{table, rows, sha256}], trails: [{trail, entries, fault}]}`
    #[arg(long)]
    pub(crate) json: bool,
}

/// `rollcall scan`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// What to look for, in any case: a user name, an e-mail address, a number; without any: the lines of stdin
    pub(crate) texts: Vec<String>,
    /// As JSON: `{rows, found: [{text, tenant, table, column, rows}]}`; `text` counts from 1
    #[arg(long)]
    pub(crate) json: bool,
}
