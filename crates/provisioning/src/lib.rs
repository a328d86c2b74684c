//! The one place where a change to users and groups happens: profile → intake → validate → policies → roles → one
//! store transaction with audit and outbox. SCIM, the console, imports and the command line all come through here.

pub mod directory;
pub mod groups;
pub mod slug;
pub mod users;

mod answer;
mod attempts;
mod listing;
mod members;

pub use answer::scim_error;
pub use directory::{Tenant, TenantDirectory};
pub use members::MoreMembers;

use scim_core::{Document, projection::Projection};
use store::{ChangeContext, Store, TenantScope};

/// What every operation needs to know of the request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Tenant.
    pub tenant: &'a Tenant,
    /// Who and why.
    pub context: &'a ChangeContext,
    /// Base URL of the answers, without a trailing slash: `https://host/t/acme/scim/v2`.
    pub base_url: &'a str,
    /// Which attributes the answer holds.
    pub projection: &'a Projection,
}

/// The provisioner; cheap to clone.
#[derive(Clone)]
pub struct Provisioner {
    store: Store,
}

impl Provisioner {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    fn scope(&self, request: Request<'_>) -> TenantScope {
        self.store.tenant(request.tenant.id())
    }
}

/// A resource ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The SCIM resource; of a large group with the first of its `members`, or with none of them.
    pub body: serde_json::Value,
    /// The members that follow those in `body`.
    pub more_members: Option<MoreMembers>,
    /// `meta.location`.
    pub location: String,
    /// `meta.version`.
    pub etag: String,
}

/// A list ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedPage {
    /// All that match.
    pub total: u64,
    /// This page; large groups in it with the first of their `members`, or with none of them.
    pub resources: Vec<serde_json::Value>,
    /// The members that follow those in `resources`, by position there, in order.
    pub more_members: Vec<(usize, MoreMembers)>,
}

/// A list request, names not yet resolved.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// SCIM filter.
    pub filter: Option<String>,
    /// Attribute path.
    pub sort_by: Option<String>,
    /// Descending?
    pub descending: bool,
    /// 1-based.
    pub start_index: u64,
    /// Page size, already cut to the server's maximum.
    pub count: u64,
}

/// Conditions of a request (RFC 7644 §3.14): versions named in `If-Match`; `None` = any.
pub type IfMatch = Option<Vec<i64>>;

/// Notes what of a body was left aside: paths only, since values may be personal.
fn note_dropped(request: Request<'_>, paths: &[String]) {
    if !paths.is_empty() {
        tracing::debug!(tenant = %request.tenant.id(), ?paths, "attributes left aside");
    }
}

/// The text of an attribute; empty when there is none.
fn text<'a>(document: &'a Document, name: &str) -> &'a str {
    document.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
}
