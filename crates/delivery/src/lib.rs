//! Events out: what happens to users, groups, roles and tenants, as the vendor's application gets it.
//!
//! ```text
//! change ─▶ outbox ─(numbered after the commit)─▶ store::feed ─▶ Event ─▶ GET /api/v1/events
//!                                                      │
//!                                                      └─▶ deliveries ─▶ Line ─▶ Carrier: a webhook, a stream, a directory
//! ```
//!
//! [`Sender`] runs on each node that serves. A destination is held by one of them at a time; a [`carrier::Carrier`] is a way of
//! sending, and knows nothing of order, attempts and nodes.

mod backoff;
pub mod carrier;
mod changed;
mod destinations;
mod event;
pub mod ldap;
mod line;
pub mod names;
mod preview;
pub mod redis_stream;
mod schema;
mod sealed;
mod sender;
mod shared;
mod unfit;
mod ways;
pub mod webhook;

pub use destinations::{
    DestinationChange, DestinationError, Destinations, NewDestination, TARGET, of_one_tenant,
};
pub use event::{Event, EventActor, EventObject, EventTenant};
pub use preview::KnownSecrets;
pub use schema::schema;
pub use sender::Sender;
pub use unfit::Unfit;
pub use ways::{NewWay, Shown, WayChange};
