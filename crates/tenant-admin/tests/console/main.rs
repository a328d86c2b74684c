//! The console in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod people;
mod rights;
mod routes;
mod sign_in;
mod support;
mod tenants;
mod tokens;
