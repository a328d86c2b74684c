//! One entity a table, as the migrations made them. Used inside this crate only.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "columns are described in the migrations; the derives write public items, and more than is used"
)]

pub mod admin_identities;
pub mod admin_invitations;
pub mod admin_recovery_codes;
pub mod admin_second_factors;
pub mod admin_sessions;
pub mod admin_tenants;
pub mod admins;
pub mod audit;
pub mod credentials;
pub mod data_keys;
pub mod destinations;
pub mod domains;
pub mod epochs;
pub mod federations;
pub mod groups;
pub mod installations;
pub mod logins;
pub mod members;
pub mod outbox;
pub mod payloads;
pub mod platform_audit;
pub mod platform_tokens;
pub mod profile_versions;
pub mod role_grants;
pub mod roles;
pub mod setup_choices;
pub mod setup_links;
pub mod setup_sessions;
pub mod signing_keys;
pub mod tenants;
pub mod users;
pub mod value_set_versions;
pub mod value_sets;
