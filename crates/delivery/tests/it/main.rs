//! Events on their way to a receiver that is really called: in order, again and again, and in no other way than is allowed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bed;
mod receiver;
mod redis_server;
mod sending;
mod streams;
