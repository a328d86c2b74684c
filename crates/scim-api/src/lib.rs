//! SCIM 2.0 over HTTP (RFC 7644): resolve the tenant, authenticate, parse, call, answer.
//!
//! ```text
//! request ── address ── caller ── routes ── endpoints ──▶ provisioning
//!                                    body, query,  │
//!                                    preconditions ┘──▶ answer
//! ```

pub mod address;
pub mod request_id;

mod answer;
mod body;
mod call;
mod caller;
mod endpoints;
mod preconditions;
mod query;
mod routes;
mod service;
mod streaming;

use provisioning::{Provisioner, TenantDirectory};
use token_service::TokenService;

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
}
