//! The console in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod configuration;
mod credentials;
mod departed;
mod import;
mod limits;
mod people;
mod profile;
mod rights;
mod routes;
mod sign_in;
mod support;
mod tenants;
mod tokens;
mod value_sets;
