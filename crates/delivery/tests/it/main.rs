//! Events on their way to a receiver that is really called: in order, again and again, and in no other way than is allowed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod ldap;
mod receiver;
mod sending;
