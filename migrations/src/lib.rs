//! Forward-only schema migrations: the same tables on PostgreSQL and SQLite.
//!
//! A migration is a folder of SQL: `tables.sql` for both databases, with the few words that differ written as
//! `{placeholders}` (see [`dialect`]), and one file each for what only one of them has.

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::MigratorTrait;

mod credential_users;
pub mod dialect;
mod first_tables;
mod lists;
mod nested_groups;

/// All migrations in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(first_tables::FirstTables),
            Box::new(lists::Lists),
            Box::new(credential_users::CredentialUsers),
            Box::new(nested_groups::NestedGroups),
        ]
    }
}

/// The role as which the server works on PostgreSQL: it cannot log in, owns nothing, and row-level security binds it.
pub const APPLICATION_ROLE: &str = "rollcall_app";
