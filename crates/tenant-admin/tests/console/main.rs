//! The console in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod activity;
mod clients;
mod configuration;
mod credentials;
mod departed;
mod federation;
mod import;
mod keys;
mod limits;
mod people;
mod platform_tokens;
mod profile;
mod refusals;
mod rights;
mod routes;
mod sign_in;
mod support;
mod tenants;
mod tokens;
mod value_sets;
