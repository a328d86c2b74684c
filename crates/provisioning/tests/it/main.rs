//! Users, groups and tenants through the provisioner, on each database.

mod configuration;
mod csv_export;
mod csv_import;
mod departed;
mod domains;
mod groups;
mod groups_members;
mod notes;
mod patch_properties;
mod profiles;
mod removal;
mod support;
mod tenants;
mod trail_export;
mod users;
mod users_changes;
mod users_deletes;
