//! Forward-only schema migrations: the same tables on PostgreSQL and SQLite.
//!
//! A migration is a folder of SQL and a [`Script`] that names it: `tables.sql` for both databases, with the few words that differ written as
//! `{placeholders}` (see [`dialect`]), and one file each for what only one of them has.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{DbErr, MigrationTrait};

pub mod dialect;
mod first_tables;
mod script;

use script::Script;

/// An index for `eq` inside documents, an index on times of change, and the state of walks through lists.
const LISTS: Script = Script {
    name: "m20261125_000002_lists",
    tables: include_str!("lists/tables.sql"),
    postgres: include_str!("lists/postgres.sql"),
    sqlite: include_str!("lists/sqlite.sql"),
    tenant_tables: &["user_values", "walk_marks", "walk_snapshots"],
};

/// Credentials that stand for one user.
const CREDENTIAL_USERS: Script = Script {
    name: "m20261125_000003_credential_users",
    tables: include_str!("credential_users/tables.sql"),
    postgres: "",
    sqlite: "",
    tenant_tables: &[],
};

/// Indexes for memberships through other groups.
const NESTED_GROUPS: Script = Script {
    name: "m20261125_000004_nested_groups",
    tables: include_str!("nested_groups/tables.sql"),
    postgres: "",
    sqlite: "",
    tenant_tables: &[],
};

/// What a tenant has beside its profile and value sets, and versions of what is derived from them.
const TENANT_CONFIGURATION: Script = Script {
    name: "m20261125_000005_tenant_configuration",
    tables: include_str!("tenant_configuration/tables.sql"),
    postgres: include_str!("tenant_configuration/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// User names of credentials, unique on the platform and known before the tenant is.
const LOGINS: Script = Script {
    name: "m20261125_000006_logins",
    tables: include_str!("logins/tables.sql"),
    postgres: include_str!("logins/postgres.sql"),
    sqlite: include_str!("logins/sqlite.sql"),
    tenant_tables: &[],
};

/// Indexes of soft-deleted users.
const DEPARTED: Script = Script {
    name: "m20261125_000007_departed",
    tables: include_str!("departed/tables.sql"),
    postgres: "",
    sqlite: "",
    tenant_tables: &[],
};

/// Which tenants a person of the console is given.
const ADMIN_TENANTS: Script = Script {
    name: "m20261125_000008_admin_tenants",
    tables: include_str!("admin_tenants/tables.sql"),
    postgres: include_str!("admin_tenants/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// Where a credential may come from, and how long one may live.
const CREDENTIAL_LIMITS: Script = Script {
    name: "m20261125_000009_credential_limits",
    tables: include_str!("credential_limits/tables.sql"),
    postgres: include_str!("credential_limits/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// What was refused, and the likely mistake.
const REFUSALS: Script = Script {
    name: "m20261125_000010_refusals",
    tables: include_str!("refusals/tables.sql"),
    postgres: include_str!("refusals/postgres.sql"),
    sqlite: "",
    tenant_tables: &["refusals"],
};

/// Data keys under the master key, and the rotation of signing keys.
const KEYS: Script = Script {
    name: "m20261125_000011_keys",
    tables: include_str!("keys/tables.sql"),
    postgres: include_str!("keys/postgres.sql"),
    sqlite: include_str!("keys/sqlite.sql"),
    tenant_tables: &[],
};

/// Access tokens that were revoked before their end.
const OAUTH: Script = Script {
    name: "m20261125_000012_oauth",
    tables: include_str!("oauth/tables.sql"),
    postgres: include_str!("oauth/postgres.sql"),
    sqlite: "",
    tenant_tables: &["revoked_tokens"],
};

/// Credentials that are proven by a tenant's identity provider.
const FEDERATION: Script = Script {
    name: "m20261125_000013_federation",
    tables: include_str!("federation/tables.sql"),
    postgres: include_str!("federation/postgres.sql"),
    sqlite: "",
    tenant_tables: &["federations"],
};

/// Tokens of the installation, and what happens to it.
const PLATFORM_TOKENS: Script = Script {
    name: "m20261125_000015_platform_tokens",
    tables: include_str!("platform_tokens/tables.sql"),
    postgres: include_str!("platform_tokens/postgres.sql"),
    sqlite: include_str!("platform_tokens/sqlite.sql"),
    tenant_tables: &[],
};

/// Networks of a token of the installation may change.
const PLATFORM_NETWORKS: Script = Script {
    name: "m20261125_000016_platform_networks",
    tables: "",
    postgres: include_str!("platform_networks/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// Sessions that people see, second factors, invitations, and who somebody is at the OpenID provider.
const SIGN_IN: Script = Script {
    name: "m20261126_000018_sign_in",
    tables: include_str!("sign_in/tables.sql"),
    postgres: include_str!("sign_in/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// Looking for people, and imports of files.
const PEOPLE: Script = Script {
    name: "m20261126_000021_people",
    tables: include_str!("people/tables.sql"),
    postgres: include_str!("people/postgres.sql"),
    sqlite: include_str!("people/sqlite.sql"),
    tenant_tables: &["imports", "import_parts"],
};

/// Requests of identity providers, their counts, and what has been heard from each tenant's.
const ACTIVITY: Script = Script {
    name: "m20261126_000017_activity",
    tables: include_str!("activity/tables.sql"),
    postgres: include_str!("activity/postgres.sql"),
    sqlite: "",
    tenant_tables: &["request_log", "request_subjects"],
};

/// Links to the set-up page for people without an account, and for which identity provider a tenant's page speaks.
const SETUP_LINKS: Script = Script {
    name: "m20261126_000019_setup_links",
    tables: include_str!("setup_links/tables.sql"),
    postgres: include_str!("setup_links/postgres.sql"),
    sqlite: "",
    tenant_tables: &["setup_choices"],
};

/// What a tenant's lists of allowed values were.
const VALUE_SET_VERSIONS: Script = Script {
    name: "m20261126_000023_value_set_versions",
    tables: include_str!("value_set_versions/tables.sql"),
    postgres: include_str!("value_set_versions/postgres.sql"),
    sqlite: "",
    tenant_tables: &["value_set_versions"],
};

/// Tenants that were deleted, and host names of tenants' own.
const TENANTS: Script = Script {
    name: "m20261126_000020_tenants",
    tables: include_str!("tenants/tables.sql"),
    postgres: include_str!("tenants/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// Numbers of audit and outbox rows, and the chain of hashes over the audit trails.
const CHAIN: Script = Script {
    name: "m20261126_000022_chain",
    tables: include_str!("chain/tables.sql"),
    postgres: include_str!("chain/postgres.sql"),
    sqlite: include_str!("chain/sqlite.sql"),
    tenant_tables: &[],
};

/// Totals of lists, kept by ranges of ids.
const LIVE_BLOCKS: Script = Script {
    name: "m20261126_000025_live_blocks",
    tables: include_str!("live_blocks/tables.sql"),
    postgres: include_str!("live_blocks/postgres.sql"),
    sqlite: include_str!("live_blocks/sqlite.sql"),
    tenant_tables: &["live_blocks"],
};

/// Texts inside of names, and times of creation.
const PARTS: Script = Script {
    name: "m20261126_000026_parts",
    tables: include_str!("parts/tables.sql"),
    postgres: "",
    sqlite: "",
    tenant_tables: &[],
};

/// Functions that know tables in partitions.
const PARTITIONS: Script = Script {
    name: "m20261126_000028_partitions",
    tables: "",
    postgres: include_str!("partitions/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// SQLite's table of indexed values.
const VALUES_BY_KEY: Script = Script {
    name: "m20261126_000029_values_by_key",
    tables: "",
    postgres: "",
    sqlite: include_str!("values_by_key/sqlite.sql"),
    tenant_tables: &[],
};

/// What changes of the values of a user who is replaced.
const VALUE_CHANGES: Script = Script {
    name: "m20261126_000030_value_changes",
    tables: "",
    postgres: include_str!("value_changes/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// The events of all tenants in one order.
const FEED: Script = Script {
    name: "m20261126_000031_feed",
    tables: include_str!("feed/tables.sql"),
    postgres: include_str!("feed/postgres.sql"),
    sqlite: include_str!("feed/sqlite.sql"),
    tenant_tables: &[],
};

/// Who is sent events, and what became of each.
const DELIVERIES: Script = Script {
    name: "m20261127_000032_deliveries",
    tables: include_str!("deliveries/tables.sql"),
    postgres: include_str!("deliveries/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// How soon events were there.
const DELIVERY_HOURS: Script = Script {
    name: "m20261127_000034_delivery_hours",
    tables: include_str!("delivery_hours/tables.sql"),
    postgres: include_str!("delivery_hours/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// Tables that grow with the users of a tenant, their changes and its requests: PostgreSQL may keep them in partitions by
/// `tenant_id`, which is the first column of each of their unique indexes. Those that every tenant has a few rows in (its
/// configuration, its credentials, the counts of its blocks) stay whole, as do those that are emptied within a day.
pub const LARGE_TABLES: &[&str] = &[
    "users",
    "groups",
    "members",
    "role_grants",
    "user_values",
    "payloads",
    "audit",
    "outbox",
    "request_log",
    "request_subjects",
];

/// All migrations in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(first_tables::FirstTables),
            Box::new(LISTS),
            Box::new(CREDENTIAL_USERS),
            Box::new(NESTED_GROUPS),
            Box::new(TENANT_CONFIGURATION),
            Box::new(LOGINS),
            Box::new(DEPARTED),
            Box::new(ADMIN_TENANTS),
            Box::new(CREDENTIAL_LIMITS),
            Box::new(REFUSALS),
            Box::new(KEYS),
            Box::new(OAUTH),
            Box::new(FEDERATION),
            Box::new(PLATFORM_TOKENS),
            Box::new(PLATFORM_NETWORKS),
            Box::new(ACTIVITY),
            Box::new(SIGN_IN),
            Box::new(SETUP_LINKS),
            Box::new(VALUE_SET_VERSIONS),
            Box::new(TENANTS),
            Box::new(CHAIN),
            Box::new(PEOPLE),
            Box::new(SINGLE_CALLS),
            Box::new(LIVE_BLOCKS),
            Box::new(PARTS),
            Box::new(MEMBER_CALLS),
            Box::new(PARTITIONS),
            Box::new(VALUES_BY_KEY),
            Box::new(VALUE_CHANGES),
            Box::new(FEED),
            Box::new(DELIVERIES),
            Box::new(DELIVERY_HOURS),
            Box::new(GROUPS_BY_ID),
            Box::new(RATE_LIMITS),
        ]
    }
}

/// What identity providers do most, as functions of one round trip each.
const SINGLE_CALLS: Script = Script {
    name: "m20261126_000024_single_calls",
    tables: "",
    postgres: include_str!("single_calls/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// A user's groups are looked up one by one.
const GROUPS_BY_ID: Script = Script {
    name: "m20261127_000036_groups_by_id",
    tables: "",
    postgres: include_str!("groups_by_id/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// How many requests a second a tenant may send.
const RATE_LIMITS: Script = Script {
    name: "m20261127_000037_rate_limits",
    tables: include_str!("rate_limits/tables.sql"),
    postgres: include_str!("rate_limits/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// Makes PostgreSQL's index of parts of names, where it is not there yet and the login may: what it takes is not to be had
/// everywhere, so it is no migration. Without it all names are looked at.
///
/// # Errors
/// When the database does not answer.
pub async fn make_index_of_parts(db: &DatabaseConnection) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared(include_str!("parts/index.sql")).await?;
    }
    Ok(())
}

/// One member moved in one round trip.
const MEMBER_CALLS: Script = Script {
    name: "m20261126_000027_member_calls",
    tables: "",
    postgres: include_str!("member_calls/postgres.sql"),
    sqlite: "",
    tenant_tables: &[],
};

/// The role as which the server works on PostgreSQL: it cannot log in, owns nothing, and row-level security binds it.
pub const APPLICATION_ROLE: &str = "rollcall_app";
