//! The one place where a change to users and groups happens: profile → intake → validate → policies → roles → one
//! store transaction with audit and outbox. SCIM, the console, imports and the command line all come through here.

pub mod configuration;
pub mod csv;
pub mod departed;
pub mod directory;
pub mod domains;
pub mod entries;
pub mod groups;
pub mod imports;
pub mod people;
pub mod removal;
pub mod slug;
pub mod users;

mod answer;
mod attempts;
mod batch;
mod computing;
mod cursor;
mod listing;
mod members;
mod notes;
mod outcome;
mod root;
mod shown;

pub use answer::scim_error;
pub use batch::Placed;
pub use cursor::CURSOR_TIMEOUT;
pub use departed::{DeletedPage, DeletedUser, may_be_erased};
pub use directory::{ProfileSource, Tenant, TenantDirectory};
pub use entries::{ASSIGNED, ASSIGNED_IN, Entries, Entry, LookUpError, LookedUp};
pub use members::MoreMembers;
pub use outcome::Rules;
pub use shown::Shown;

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

impl<'a> Request<'a> {
    /// What judges it.
    pub(crate) fn rules(self) -> outcome::Rules<'a> {
        outcome::Rules::of(self.tenant)
    }
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
        self.store.tenant(request.tenant.id()).under(request.tenant.terms())
    }
}

/// A resource ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The SCIM resource; of a large group with the first of its `members`, or with none of them.
    pub body: Shown,
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
    /// All that match; on a page that goes on where another one ended, what came before it and what is left.
    pub total: u64,
    /// This page; large groups in it with the first of their `members`, or with none of them.
    pub resources: Vec<Shown>,
    /// The members that follow those in `resources`, by position there, in order.
    pub more_members: Vec<(usize, MoreMembers)>,
    /// Where it stands in the list.
    pub position: ListPosition,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPosition {
    /// Its first row has this number, from 1.
    Index(u64),
    /// Cursors to its neighbours, where there are any (RFC 9865).
    Cursor {
        /// The page before it.
        previous: Option<String>,
        /// The page after it.
        next: Option<String>,
    },
}

/// How a client goes from page to page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Paging {
    /// Each page shows the list as it is at that moment (for people who look at it).
    #[default]
    Live,
    /// By startIndex (RFC 7644 §3.4.2.4): the same caller with the same query goes on after the last row it was sent.
    Index,
    /// By cursor (RFC 9865); empty for the first page.
    Cursor(String),
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
    /// 1-based; means nothing with [`Paging::Cursor`].
    pub start_index: u64,
    /// How the client goes from page to page.
    pub paging: Paging,
    /// Page size, already cut to the server's maximum.
    pub count: u64,
}

/// Conditions of a request (RFC 7644 §3.14): versions named in `If-Match`; `None` = any.
pub type IfMatch = Option<Vec<i64>>;

/// The text of an attribute; empty when there is none.
fn text<'a>(document: &'a Document, name: &str) -> &'a str {
    document.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
}
