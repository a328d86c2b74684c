//! SCIM 2.0 over HTTP (RFC 7644): resolve the tenant, authenticate, parse, call, answer.
//!
//! ```text
//! request ── address ── caller ── routes ── endpoints ──▶ provisioning
//!                       aside, body, json, query,  │
//!                                   preconditions ─┘──▶ answer
//! ```

pub mod address;
pub mod request_id;

mod answer;
mod aside;
mod body;
mod call;
mod caller;
mod endpoints;
mod json;
mod preconditions;
mod query;
mod rate_limit;
mod record;
mod routes;
mod service;
mod streaming;

use std::num::NonZeroU32;

use activity::Journal;
use admission::Admission;
use provisioning::{Provisioner, TenantDirectory};
use token_service::{Networks, TokenService};

pub use address::{Address, Form, Origins};
pub use answer::error_response;
pub use body::MAX_BYTES;
pub use query::{DEFAULT_COUNT, MAX_COUNT};
pub use request_id::RequestId;
pub use routes::ROUTES;
pub use service::service;

/// What the endpoints need.
#[derive(Clone)]
pub struct ScimState {
    /// Does the work.
    pub provisioner: Provisioner,
    /// Knows the tenants.
    pub tenants: TenantDirectory,
    /// Knows the callers.
    pub tokens: TokenService,
    /// Origin of the shared host: `https://scim.example.com`, no trailing slash.
    pub public_url: url::Url,
    /// DOMAIN of `{slug}.DOMAIN`.
    pub tenant_domain: Option<String>,
    /// Requests a second that each tenant may send to this node; `None`: as many as it likes.
    pub rate_limit: Option<NonZeroU32>,
    /// Proxies whose word on the sender's address is believed.
    pub trusted_proxies: Networks,
    /// Lets requests in.
    pub admission: Admission,
    /// Is told of each request that has a valid credential.
    pub journal: Journal,
}
