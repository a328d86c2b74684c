//! What becomes of each table in a backup: the one list of them.

/// Whose rows a table holds, and where they stand in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the installation: comes before the tenants.
    Installation,
    /// Of tenants, told by this column: comes with each tenant.
    Tenant(&'static str),
    /// Of tenants, told by this column, and the rest of the installation, which comes after the tenants.
    Shared(&'static str),
    /// Of the installation, and speaks of tenants: comes after them.
    Last,
    /// Is left out, for this reason.
    Left(&'static str),
}

/// Every table, in an order in which rows can be written: what a foreign key names comes before it. A table that is not here
/// fails a test.
pub const TABLES: &[(&str, Place)] = &[
    ("installation", Place::Installation),
    ("epochs", Place::Installation),
    ("data_keys", Place::Installation),
    ("signing_keys", Place::Installation),
    ("admins", Place::Installation),
    ("admin_second_factors", Place::Installation),
    ("admin_recovery_codes", Place::Installation),
    ("admin_invitations", Place::Installation),
    ("admin_identities", Place::Installation),
    ("platform_tokens", Place::Installation),
    ("platform_audit", Place::Installation),
    ("shared_refusals", Place::Installation),
    ("feed_ends", Place::Installation),
    ("tenants", Place::Tenant("id")),
    ("profile_versions", Place::Tenant("tenant_id")),
    ("value_sets", Place::Tenant("tenant_id")),
    ("value_set_versions", Place::Tenant("tenant_id")),
    ("credentials", Place::Tenant("tenant_id")),
    ("federations", Place::Tenant("tenant_id")),
    ("revoked_tokens", Place::Tenant("tenant_id")),
    ("logins", Place::Tenant("tenant")),
    ("domains", Place::Tenant("tenant")),
    ("setup_links", Place::Tenant("tenant")),
    ("setup_choices", Place::Tenant("tenant_id")),
    ("roles", Place::Tenant("tenant_id")),
    ("users", Place::Tenant("tenant_id")),
    ("groups", Place::Tenant("tenant_id")),
    ("members", Place::Tenant("tenant_id")),
    ("role_grants", Place::Tenant("tenant_id")),
    ("user_values", Place::Tenant("tenant_id")),
    ("live_blocks", Place::Tenant("tenant_id")),
    ("payloads", Place::Tenant("tenant_id")),
    ("audit", Place::Tenant("tenant_id")),
    ("outbox", Place::Tenant("tenant_id")),
    ("imports", Place::Tenant("tenant_id")),
    ("import_parts", Place::Tenant("tenant_id")),
    ("request_log", Place::Tenant("tenant_id")),
    ("request_subjects", Place::Tenant("tenant_id")),
    ("refusals", Place::Tenant("tenant_id")),
    ("traffic", Place::Tenant("tenant")),
    ("heard", Place::Tenant("tenant")),
    ("delivery_hours", Place::Tenant("tenant")),
    ("trails", Place::Shared("owner")),
    (DESTINATIONS, Place::Shared("tenant")),
    ("feed", Place::Last),
    ("deliveries", Place::Last),
    ("admin_tenants", Place::Last),
    ("admin_sessions", Place::Left("people of the console sign in anew")),
    ("setup_sessions", Place::Left("whoever has a link opens it again")),
    ("walk_marks", Place::Left("holds for ten minutes")),
    ("walk_snapshots", Place::Left("holds for ten minutes")),
];

/// What a database that was just migrated has rows in; those of a backup take their place.
pub(super) const SEEDED: &[&str] = &["installation", "epochs", "feed_ends"];

/// Columns of JSON that PostgreSQL keeps as `jsonb`, and gives back in a form of its own.
pub const JSON: &[(&str, &str)] = &[("users", "search"), ("groups", "search")];

/// Keys of the installation that secrets of tenants are sealed under.
pub(super) const DATA_KEYS: &str = "data_keys";

/// What of a tenant knows places of the installation's feed.
pub(super) const DESTINATIONS: &str = "destinations";

/// Which rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// All.
    All,
    /// A tenant's, told by this column.
    Of(&'static str, uuid::Uuid),
    /// Those that are no tenant's, by this column.
    Rest(&'static str),
}

/// What a backup has of each table before, with (of this one), or after the tenants.
pub(super) fn before_tenants() -> impl Iterator<Item = (&'static str, Rows)> {
    TABLES.iter().filter_map(|(table, place)| match place {
        Place::Installation => Some((*table, Rows::All)),
        _ => None,
    })
}

pub(super) fn of_tenant(tenant: uuid::Uuid) -> impl Iterator<Item = (&'static str, Rows)> {
    TABLES.iter().filter_map(move |(table, place)| match place {
        Place::Tenant(column) | Place::Shared(column) => Some((*table, Rows::Of(column, tenant))),
        _ => None,
    })
}

pub(super) fn after_tenants() -> impl Iterator<Item = (&'static str, Rows)> {
    TABLES.iter().filter_map(|(table, place)| match place {
        Place::Shared(column) => Some((*table, Rows::Rest(column))),
        Place::Last => Some((*table, Rows::All)),
        _ => None,
    })
}

/// The rows that a section of a backup is about; `None`: no backup has such a section.
pub(super) fn rows_of(table: &str, tenant: Option<uuid::Uuid>) -> Option<(&'static str, Rows)> {
    let (name, place) = TABLES.iter().find(|(name, _)| *name == table)?;
    let rows = match (place, tenant) {
        (Place::Installation | Place::Last, None) => Rows::All,
        (Place::Shared(column), None) => Rows::Rest(column),
        (Place::Tenant(column) | Place::Shared(column), Some(tenant)) => Rows::Of(column, tenant),
        _ => return None,
    };
    Some((name, rows))
}
