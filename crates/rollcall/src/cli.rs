//! The command line: what each command is called, takes and says of itself.

mod admin;
mod audit;
mod backup;
mod configuration;
mod destination;
mod domain;
mod federation;
mod keys;
mod ldap;
mod oauth;
pub(crate) mod places;
mod simulate;

use std::{path::PathBuf, sync::LazyLock};

use clap::{Args, Parser, Subcommand, ValueEnum};
use token_service::lifetime::Limit;
use url::Url;

use crate::settings::SettingFlags;

pub(crate) use admin::{Admin, Role};
pub(crate) use audit::{
    Audit, AuditCommand, Checkpoint as AuditCheckpoint, Expected as AuditExpected, Receipt as AuditReceipt,
    Verify as AuditVerify,
};
pub(crate) use backup::{Backup, Restore, Scan};
pub(crate) use configuration::{Apply, Profile, ValueSet};
pub(crate) use destination::{Destination, Fate};
pub(crate) use domain::Domain;
pub(crate) use federation::Federation;
pub(crate) use keys::{CONFIRMATION as KEY_CONFIRMATION, Key};
pub(crate) use ldap::{Ldap, LdapSource};
pub(crate) use oauth::Oauth;
use places::{AllowFrom, Change};
pub(crate) use simulate::{Simulate, SimulateOptions};

/// Self-hosted, multi-tenant SCIM 2.0 provisioning.
///
/// Each customer (tenant) gets a SCIM Base URL and a token to paste into Okta or Entra ID; users and groups arrive,
/// are checked, are kept, and groups become roles.
///
/// Try it: `rollcall demo`. Results go to stdout, logs and progress to stderr.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version = version(), propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    /// Settings that most commands share.
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The version, and the commit that it was built from where whoever built it said so: docs/releasing.md.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| match option_env!("ROLLCALL_BUILD_COMMIT") {
        Some(commit) if !commit.is_empty() => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        _ => env!("CARGO_PKG_VERSION").to_owned(),
    });
    &VERSION
}

/// All commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole thing: a fresh embedded database, one tenant for each profile, Okta played against it
    Demo(Demo),
    /// Run the server (applies migrations first)
    Serve(Serve),
    /// Apply pending migrations and end
    Migrate(Migrate),
    /// Check configuration, database, Redis, keys and clock, and say how to mend each fault
    Doctor,
    /// Ask the running server whether it is ready; the exit code is 1 if it is not, or does not answer
    Health(Health),
    /// Make and manage tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Give a tenant host names of its own, proven by a TXT record
    #[command(subcommand)]
    Domain(Domain),
    /// Fill a tenant's lists of allowed values
    #[command(subcommand)]
    ValueSet(ValueSet),
    /// Check profile files; look at, change and compare a tenant's own copy
    #[command(subcommand)]
    Profile(Profile),
    /// Make and manage a tenant's bearer tokens, and with --platform those of the installation
    #[command(subcommand)]
    Token(Token),
    /// Make and manage the user names and passwords (HTTP Basic) that a tenant's identity provider signs in with
    #[command(subcommand)]
    Basic(Basic),
    /// Make and manage the OAuth clients with which a tenant's identity provider gets its access tokens
    #[command(subcommand)]
    Oauth(Oauth),
    /// Let a tenant's identity provider sign in with its own tokens (Entra ID with an empty secret token)
    #[command(subcommand)]
    Federation(Federation),
    /// Rotate the keys that sign tokens, and change the master key that guards them
    #[command(subcommand)]
    Key(Key),
    /// Say to whom events are sent, and look at what became of them
    #[command(subcommand)]
    Destination(Destination),
    /// Look at users
    #[command(subcommand)]
    User(User),
    /// Take existing accounts from a CSV file into a tenant
    ///
    /// The first row names the columns: attribute paths such as userName (needed), externalId, active,
    /// name.givenName, emails.value, `emails[type eq "home"].value`, department, or the names that the tenant's
    /// profile has for them. The file is UTF-8 with commas. Users are found by userName. An empty cell takes the
    /// value away (of `active` it says nothing); what has no column stays. Rows with an error are told as FILE:LINE
    /// and passed over, and the exit code is 1 then. The same file can be imported again: what is there already is
    /// unchanged.
    Import(Import),
    /// Write a tenant's users as CSV, or with --configuration what `rollcall apply` reads
    ///
    /// One row a user, in the order of creation; of e-mail addresses and other lists the primary element. Cells
    /// that a spreadsheet program would take for a formula begin with ' which `rollcall import` takes away again.
    Export(Export),
    /// Make tenants and destinations what files say of them; print first what would change
    ///
    /// What the files do not name stays as it is. Each tenant's own configuration is changed in one transaction. Applied again,
    /// the same files change nothing. `rollcall export --configuration` writes such a file: docs/configuration.md.
    Apply(Apply),
    /// Read the directory that a tenant's users are written to
    #[command(subcommand)]
    Ldap(Ldap),
    /// Manage the people who sign in to the console
    #[command(subcommand)]
    Admin(Admin),
    /// Show what happened to the installation (platform tokens, people of the console, keys) or to a tenant, newest first;
    /// verify that the trail is what was written
    Audit(Audit),
    /// Write everything, or some tenants, into an encrypted file
    ///
    /// It is the state of one moment, of either database, and servers go on meanwhile. `rollcall restore` puts it into SQLite
    /// or PostgreSQL. The file opens with the program `age`, too. Secrets in it stay sealed under the master key, which is
    /// not in it: keep that elsewhere.
    Backup(Backup),
    /// Put a backup into an empty database of either kind, or one of its tenants beside others: all of it, or nothing
    ///
    /// What was written is read again, and its numbers and digests are compared with those of the backup before anything is
    /// committed; then the audit trails are verified, and the exit code is 1 when one is not whole. The master key must be
    /// the one that the installation had.
    Restore(Restore),
    /// Look for texts in every column of every table, such as what is known of a person who was purged
    ///
    /// The exit code is 1 when something was found. Logs, backups and free pages of PostgreSQL's files are not looked at.
    Scan(Scan),
    /// Play an identity provider against any SCIM server
    #[command(subcommand)]
    Simulate(Simulate),
    /// Print a completion script for a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
}

/// `rollcall demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after the summary instead of serving
    #[arg(long)]
    pub(crate) no_serve: bool,
    /// Write `{console, tenants: [{slug, profile, base_url, authorization}]}` to FILE before serving starts
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// `rollcall serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Do not apply migrations; refuse to start when some are pending
    #[arg(long)]
    pub(crate) no_migrate: bool,
}

/// `rollcall health`.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Only whether the server answers, though its database may be away: for who starts anew what does not
    #[arg(long)]
    pub(crate) alive: bool,
    /// Where the server is [default: the admin listener, else the main one, on this machine]
    #[arg(long, value_name = "URL", value_parser = origin)]
    pub(crate) url: Option<Url>,
}

/// The origin of a server.
fn origin(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}; write http://HOST:PORT"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("write http://HOST:PORT, or https://HOST".to_owned()),
    }
}

/// `rollcall migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Then keep the large tables in N partitions by tenant (PostgreSQL): 2, 4, 8, 16, 32 or 64; 0: whole again
    ///
    /// Their rows are copied in one transaction, which needs as much room on the disk once more; whatever ends it midway
    /// leaves everything as it was. For installations of many tenants: docs/scale.md.
    #[arg(long, value_name = "N", value_parser = partitions)]
    pub(crate) partitions: Option<u32>,
    /// Do so while servers are running: requests wait, and are answered 503 after 20 s
    #[arg(long, requires = "partitions")]
    pub(crate) while_serving: bool,
}

/// A number of partitions.
fn partitions(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(0) => Ok(0),
        Ok(number) if number.is_power_of_two() && (2..=store::partitions::MOST).contains(&number) => {
            Ok(number)
        }
        _ => Err("write 2, 4, 8, 16, 32 or 64; 0 makes the tables whole again".to_owned()),
    }
}

/// How much of identity providers' habits a tenant takes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Compatibility {
    /// Take what Okta, Entra and others really send
    Lenient,
    /// Take only what the RFCs allow
    Strict,
}

/// `rollcall tenant …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Make a tenant; inactive until it is activated
    Create {
        /// Name in URLs: lower-case letters, digits and hyphens; never changed, never used again
        slug: String,
        /// Product profile: generic, epic-emp, mdscripts, clinical-maestro, eptura-engage or envi
        #[arg(long, default_value = "generic")]
        profile: String,
        /// A profile file of its own instead
        #[arg(long, value_name = "FILE", conflicts_with = "profile")]
        profile_file: Option<PathBuf>,
        /// Name for people; the slug if not given
        #[arg(long)]
        name: Option<String>,
        /// Activate it at once, and open the profile's feature gate
        #[arg(long)]
        activate: bool,
        /// What to take from identity providers
        #[arg(long, value_enum, default_value = "lenient")]
        compatibility: Compatibility,
    },
    /// List all tenants
    List {
        /// Those that were deleted and can still be restored
        #[arg(long)]
        deleted: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Serve a tenant, and open its profile's feature gate
    Activate {
        /// Tenant
        slug: String,
    },
    /// Stop serving a tenant: its credentials get 403
    Deactivate {
        /// Tenant
        slug: String,
    },
    /// Delete a tenant: nobody sees or uses it from now on, and its credentials are refused
    ///
    /// It can be restored with `tenant restore` until its retention is over (ROLLCALL_TENANT_RETENTION_DAYS); then a
    /// running server removes all of its data for good. Its slug is never used again.
    Delete {
        /// Tenant
        slug: String,
    },
    /// Bring a deleted tenant back as it was, but inactive
    Restore {
        /// Tenant
        slug: String,
    },
    /// Change a tenant's name, organization and properties, and print them; without options only print them
    Set {
        /// Tenant
        slug: String,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
        /// The part of the product that its people belong to; empty: none
        #[arg(long)]
        organization: Option<String>,
        /// A property of the customer's account, such as domain-type=Simple; without a value it is taken away
        #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
        properties: Vec<(String, String)>,
        /// Longest life of its new credentials: 90d, 1y, …; none: what this installation allows
        // Also a setting of all commands; see `commands::run`.
        #[arg(long, value_name = "TIME")]
        max_token_lifetime: Option<Limit>,
        /// Requests a second that a node takes of it, then 429; 0: what this installation sets
        // Also a setting of all commands, as the one before.
        #[arg(long, value_name = "REQUESTS")]
        rate_limit: Option<u32>,
    },
}

/// `NAME=VALUE`.
fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.trim().is_empty() {
        return Err("write NAME=VALUE".to_owned());
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// `rollcall token …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print it; it cannot be shown again
    Create {
        /// Tenant; for `/api/v1` of the whole installation --platform instead
        #[arg(required_unless_present = "platform", conflicts_with = "platform")]
        slug: Option<String>,
        /// Make a token of the installation, for `/api/v1`
        #[arg(long)]
        platform: bool,
        /// Name for people, unique among the tenant's live tokens
        #[arg(long)]
        name: String,
        /// How long it lives: 90d, 1y, … or a date; at most 10y [default: 1y, or less where less is allowed]
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
        /// What it may do, separated by blanks [default: `scim:read scim:write`; with --platform `admin:* directory:read`]
        #[arg(long)]
        scope: Option<String>,
        /// Bind it to the user of this userName: it reaches /Me (this user) and discovery, and nothing else
        #[arg(long, value_name = "USERNAME", conflicts_with = "platform")]
        user: Option<String>,
        #[command(flatten)]
        from: AllowFrom,
    },
    /// List a tenant's tokens, and which of a rotation's two the identity provider uses
    List {
        /// Tenant; --platform instead for those of the installation
        #[arg(required_unless_present = "platform", conflicts_with = "platform")]
        slug: Option<String>,
        /// Those of the installation
        #[arg(long)]
        platform: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a live token: the next request with it is refused
    Revoke {
        /// Which; after a rotation the old token has the same name, and is revoked as well
        #[command(flatten)]
        named: NamedToken,
        /// Only the one that ends with these four characters, as `token list` shows them
        #[arg(long, value_name = "LAST4", allow_hyphen_values = true)]
        hint: Option<String>,
    },
    /// Say anew where a live token may come from; holds within a second
    Allow {
        /// Which; after a rotation both tokens have the name
        #[command(flatten)]
        named: NamedToken,
        /// Only the one that ends with these four characters, as `token list` shows them
        #[arg(long, value_name = "LAST4", allow_hyphen_values = true)]
        hint: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Make a token of the same name, scope, networks and lifetime and print it; the old one ends after a while
    Rotate {
        /// Which
        #[command(flatten)]
        named: NamedToken,
        /// How long the old one goes on beside it: 24h, 7d, …; 0 ends it at once
        #[arg(long, default_value = "24h", value_name = "TIME")]
        grace: String,
    },
    /// Show which requests were refused for their credential, newest first, and what to do
    ///
    /// Of the last 30 days, at most 100 rows; alike ones are counted in one. A running server writes them within
    /// seconds. User names with passwords are among them.
    Refusals {
        /// Tenant; without it: requests to the shared address that name no tenant
        slug: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `SLUG NAME`, or `--platform NAME`.
#[derive(Debug, Args)]
pub(crate) struct NamedToken {
    /// Tenant and name of the token; with --platform the name alone
    #[arg(required = true, num_args = 1..=2, value_names = ["SLUG", "NAME"])]
    words: Vec<String>,
    /// A token of the installation
    #[arg(long)]
    platform: bool,
}

/// Whose token is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose<'a> {
    /// A tenant's.
    Tenant {
        /// Slug.
        slug: &'a str,
        /// Name of the token.
        name: &'a str,
    },
    /// The installation's.
    Platform {
        /// Name of the token.
        name: &'a str,
    },
}

impl NamedToken {
    /// What was written; the error says what is missing or too much.
    pub(crate) fn whose(&self) -> anyhow::Result<Whose<'_>> {
        match (self.platform, self.words.as_slice()) {
            (false, [slug, name]) => Ok(Whose::Tenant { slug, name }),
            (true, [name]) => Ok(Whose::Platform { name }),
            (false, _) => anyhow::bail!("name the tenant and the token: SLUG NAME, or --platform NAME"),
            (true, _) => anyhow::bail!("with --platform name the token alone: it belongs to no tenant"),
        }
    }
}

/// `rollcall basic …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Basic {
    /// Make a user name and print its generated password; it cannot be shown again
    Create {
        /// Tenant
        slug: String,
        /// What the identity provider signs in with, unique among all tenants: okta@acme
        #[arg(long)]
        username: String,
        /// Name for people, unique among the tenant's live credentials; the user name if not given
        #[arg(long)]
        name: Option<String>,
        /// How long it lives: 90d, 1y, … or a date, at most 10y [default: until it is revoked, or as long as is allowed]
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
        /// What it may do, separated by blanks
        #[arg(long, default_value = token_service::scopes::DEFAULT)]
        scope: String,
        #[command(flatten)]
        from: AllowFrom,
    },
    /// Say anew where a live user name may come from; holds within a second
    Allow {
        /// Tenant
        slug: String,
        /// User name
        username: String,
        #[command(flatten)]
        change: Change,
    },
    /// List a tenant's user names
    List {
        /// Tenant
        slug: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a user name: the next request with it is refused, and it can be made again
    Revoke {
        /// Tenant
        slug: String,
        /// User name
        username: String,
    },
}

/// `rollcall user …`.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Show a user, the groups it is a direct member of (roles come from these alone) and its roles
    Show {
        /// Tenant
        slug: String,
        /// userName, in any case
        username: String,
        /// As JSON: `{user, groups: [{id, display}], roles: [{role, via}]}`
        #[arg(long)]
        json: bool,
    },
}

/// `rollcall import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Tenant
    pub(crate) slug: String,
    /// CSV file, at most 256 MiB and 1,000,000 rows; `-` is stdin
    pub(crate) file: PathBuf,
    /// What becomes of a row whose user is there already
    #[arg(long, value_enum, default_value = "update")]
    pub(crate) existing: Existing,
    /// Check every row and write none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// As JSON: `{created, updated, unchanged, skipped, failed, dry_run, stopped, errors: [{line, path, problem}]}`
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of a row whose user is there already.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Existing {
    /// Lay the columns of the file over the user
    Update,
    /// Leave the user as it is
    Skip,
    /// Count the row as an error
    Refuse,
}

/// `rollcall export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Tenant; with --configuration any number of them, and if none is given the whole installation
    #[arg(required_unless_present = "configuration", value_name = "SLUG")]
    pub(crate) slugs: Vec<String>,
    /// Where to; stdout if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The columns to write, separated by commas; all if not given
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    pub(crate) columns: Option<Vec<String>>,
    /// The form of the file
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: ExportFormat,
    /// Write the configuration (TOML) instead of users: what `rollcall apply` reads. Secrets are not in it
    #[arg(long, conflicts_with_all = ["columns", "format"])]
    pub(crate) configuration: bool,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// RFC 4180 in UTF-8
    Csv,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_is_a_tenants_or_the_installations() {
        let read = |line: &str| Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string());
        for line in [
            "rollcall token create acme --name Okta",
            "rollcall token create --platform --name Vendor",
            "rollcall token create --platform --name Vendor --allow-from 203.0.113.0/24 --report-only",
            "rollcall token list --platform",
        ] {
            assert!(read(line).is_ok(), "{line}: {:?}", read(line));
        }
        for line in [
            "rollcall token create --name Okta",
            "rollcall token create acme --platform --name Okta",
            "rollcall token create --platform --name Okta --user ann",
            "rollcall token create acme --name Okta --report-only",
            "rollcall token list",
            "rollcall token list acme --platform",
            "rollcall token revoke",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        for (line, expected) in [
            ("acme Okta --hint -x_Q", Some(Whose::Tenant { slug: "acme", name: "Okta" })),
            ("acme Okta", Some(Whose::Tenant { slug: "acme", name: "Okta" })),
            ("--platform Vendor", Some(Whose::Platform { name: "Vendor" })),
            ("Vendor --platform", Some(Whose::Platform { name: "Vendor" })),
            ("acme", None),
            ("acme Okta --platform", None),
        ] {
            let Ok(Cli { command: Command::Token(Token::Revoke { named, .. }), .. }) =
                read(&format!("rollcall token revoke {line}"))
            else {
                panic!("{line} is not understood");
            };
            assert_eq!(named.whose().ok(), expected, "{line}");
        }
    }
}
