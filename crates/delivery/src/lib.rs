//! Events out: what happens to users, groups, roles and tenants, as the vendor's application gets it.
//!
//! ```text
//! change ─▶ outbox ─(numbered after the commit)─▶ store::feed ─▶ Event ─▶ GET /api/v1/events
//!                                                      │
//!                                                      └─▶ deliveries ─▶ Line ─▶ Carrier: a webhook, a directory
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
mod sender;
mod ways;
pub mod webhook;

pub use destinations::{DestinationError, Destinations, LdapChange, NewLdap, NewWebhook, WebhookChange};
pub use event::{Event, EventActor, EventObject, EventTenant};
pub use sender::Sender;
