//! `/api/v1` in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod configuration;
mod credentials;
mod directory;
mod manners;
mod platform;
mod refusals;
mod support;
mod tenants;
