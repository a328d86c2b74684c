//! `/api/v1` in process, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod audit;
mod clients;
mod configuration;
mod credentials;
mod destinations;
mod directory;
mod event_stream;
mod events;
mod federation;
mod installation;
mod lifecycle;
mod look_up;
mod manners;
mod networks;
mod platform;
mod refusals;
mod requests;
mod support;
mod tenants;
