//! The store on both databases.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;
mod configuration;
mod login;
#[macro_use]
mod support;

mod activity;
mod audit;
mod backup;
mod chain;
mod credentials;
mod departed;
mod destinations;
mod domains;
mod explain;
mod feed;
mod filter_properties;
mod filters;
mod groups;
mod isolation;
mod keys;
mod known;
mod listing;
mod look_up;
mod one_member;
mod outages;
mod partitions;
mod parts;
mod platform;
mod platform_tokens;
mod pooler;
mod reindex;
mod removal;
mod revoked_tokens;
mod roles;
mod schema;
mod setup;
mod setup_links;
mod sign_in;
mod signals;
mod tenant_list;
mod tenants;
mod together;
mod totals;
mod trail;
mod users;
mod waits;
