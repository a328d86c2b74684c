//! The journal: what tenants' identity providers send, written beside the requests and never in their way.
//!
//! ```text
//! request ── Exchange ──▶ Journal ─(bounded)─▶ Writer: read, mask, gather ──▶ store::activity, one transaction a batch
//! ```
//!
//! Handing over costs a request a `try_send`: nothing is parsed, nothing waited for. What finds no room is dropped and
//! counted; its place in the hourly counters is kept. Raw bodies travel in memory alone; what is written is masked
//! ([`Secrets`]).

mod budget;
mod entry;
mod exchange;
mod explain;
mod journal;
mod mask;
mod milestones;
mod subjects;
mod writer;

pub use exchange::{Exchange, MAX_CAPTURED, Outline, Payload};
pub use explain::{Meaning, explain};
pub use journal::{Journal, Options};
pub use mask::{MASK, Secrets};
