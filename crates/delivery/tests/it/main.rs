//! Events on their way to a receiver that is really called: in order, again and again, and in no other way than is allowed;
//! and what each of them looks like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bed;
mod examples;
mod ldap;
mod receiver;
mod redis_server;
mod sending;
mod streams;
