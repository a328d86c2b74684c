//! The real binary over real HTTP, on SQLite and on PostgreSQL, and the console in a real browser.
//!
//! `tests/run` starts the database servers and sets the variables that these tests need; without them they fail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod activity;
mod api;
mod apply;
mod audit;
mod backups;
mod browser;
mod browsing;
mod clients;
mod command_line;
mod configuration;
mod conformance;
mod credentials;
mod csv;
mod delivery;
mod demo;
mod departed;
mod deployment;
mod destinations;
mod directory;
mod documents;
mod entitlements;
mod examples;
mod failover;
mod faults;
mod federation;
mod guides;
mod harness;
mod hostile;
mod import_speed;
mod isolation;
mod keys;
mod ldap;
mod limits;
mod nodes;
mod oauth;
mod overload;
mod owner;
mod pages;
mod people;
mod refusals;
mod restart;
mod revocation;
mod roles;
mod rules;
mod schemathesis;
mod secrets;
mod setup;
mod sign_in;
mod simulate;
mod start_and_stop;
mod telemetry;
mod tenants;
mod upgrade;
mod wire;
