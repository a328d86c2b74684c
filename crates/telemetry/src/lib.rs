//! What Rollcall tells operators of itself: every metric by name in one place, and the spans of a request. Crates count and
//! trace with these; only the program knows to whom it is told.

pub mod metrics;
pub mod requests;
pub mod spans;
