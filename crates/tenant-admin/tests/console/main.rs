//! The console in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod activity;
mod admins;
mod audit;
mod clients;
mod configuration;
mod credentials;
mod departed;
mod destinations;
mod domains;
mod federation;
mod import;
mod installation;
mod keys;
mod limits;
mod people;
mod platform_tokens;
mod profile;
mod provider;
mod refusals;
mod rights;
mod routes;
mod rules;
mod second_factor;
mod setup;
mod setup_links;
mod sign_in;
mod support;
mod tenants;
mod tokens;
mod value_sets;
