//! The endpoints over HTTP, on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod metadata;
mod refusals;
mod revoke;
mod token;
mod world;
