//! The console in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod configuration;
mod credentials;
mod departed;
mod import;
mod people;
mod platform_tokens;
mod profile;
mod rights;
mod routes;
mod sign_in;
mod support;
mod tenants;
mod tokens;
mod value_sets;
