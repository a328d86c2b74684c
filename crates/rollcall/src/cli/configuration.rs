//! The commands for a tenant's own configuration.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

/// `rollcall apply`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("consent").args(["plan", "yes"])))]
pub(crate) struct Apply {
    /// Files (TOML) that declare tenants and destinations; of a folder all files that end with .toml; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Only say what would change, and make nothing; the exit code is 2 when something would
    #[arg(long)]
    pub(crate) plan: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Folder that files may lie in which a declaration names, beside its own folder; may be repeated
    #[arg(long, value_name = "FOLDER")]
    pub(crate) allow_files: Vec<PathBuf>,
    /// As JSON: `{changes: [{action, tenant, destination, fields: [{field, before, after}]}], create, change, remove,
    /// unset}`, and with --yes `applied` and `not_applied`; or `{faults: [{file, line, column, path, problem}]}`
    #[arg(long, requires = "consent")]
    pub(crate) json: bool,
}

/// `rollcall value-set …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ValueSet {
    /// Put a list in place of the tenant's one
    Set {
        /// Tenant
        slug: String,
        /// Name of the list, as the profile declares it
        name: String,
        /// The values in order, each `value` or `value|label`
        #[arg(required_unless_present_any = ["file", "empty"], conflicts_with_all = ["file", "empty"])]
        values: Vec<String>,
        /// Read them from a CSV file with the columns value and label; `-` is stdin
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// A list without values: it allows none
        #[arg(long, conflicts_with = "file")]
        empty: bool,
    },
    /// Take the tenant's list away: the values of its profile hold again, or every value where it has none
    Clear {
        /// Tenant
        slug: String,
        /// Name of the list
        name: String,
    },
    /// List the lists that the tenant's profile declares, or the values of one
    List {
        /// Tenant
        slug: String,
        /// Show the values of this list
        name: Option<String>,
        /// As JSON, with all values
        #[arg(long)]
        json: bool,
    },
}

/// `rollcall profile …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// Check a profile file: a mistake is told with its line and column
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print a tenant's copy of its profile
    Show {
        /// Tenant
        slug: String,
        /// An earlier version of it
        #[arg(long, value_name = "N")]
        revision: Option<i32>,
    },
    /// Make a file the tenant's profile; prints what changes, whose roles, and who no longer fits
    Set {
        /// Tenant
        slug: String,
        /// The file
        file: PathBuf,
        /// Only print it
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare a tenant's copy with the profile of the same name that ships
    Diff {
        /// Tenant
        slug: String,
    },
    /// Look who of the existing users no longer fits the profile and the value sets; changes nothing
    Recheck {
        /// Tenant
        slug: String,
        /// As JSON: `{checked, misfits, first: [{id, userName, problems}]}`
        #[arg(long)]
        json: bool,
    },
    /// Tell what the rules make of a user; nothing is written. Ends with 1 where the user is refused
    Try {
        /// Tenant
        slug: String,
        /// The body of the request, as JSON
        body: PathBuf,
        /// By this profile file instead of the tenant's profile
        #[arg(long, value_name = "FILE")]
        by: Option<PathBuf>,
        /// As a PUT of this user (userName or id)
        #[arg(long, value_name = "USER", conflicts_with = "patch")]
        replace: Option<String>,
        /// As a PATCH of this user (userName or id)
        #[arg(long, value_name = "USER")]
        patch: Option<String>,
    },
    /// List the versions of a tenant's copy, newest first
    Versions {
        /// Tenant
        slug: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}
