//! Events out: what happens to users, groups, roles and tenants, as the vendor's application gets it.
//!
//! ```text
//! change ─▶ outbox ─(numbered after the commit)─▶ store::feed ─▶ Event ─▶ GET /api/v1/events
//! ```

mod changed;
mod event;
pub mod names;

pub use event::{Event, EventActor, EventObject, EventTenant};
