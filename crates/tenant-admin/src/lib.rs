//! The web console: sign-in, tenants, set-up, tokens, users, groups; and [`api`], the same for programs.
//!
//! One file a page in [`pages`], its template of the same name in `web/templates`. Every route stands in one table
//! ([`ROUTES`]) with the [`Right`] that it needs; who does not have it is refused before any page code runs.

mod api;
mod assets;
mod chrome;
mod connect;
mod diff_view;
mod error;
mod extract;
mod form;
mod guard;
mod guest;
mod health;
mod live;
mod pager;
mod pages;
mod plot;
mod rights;
mod routes;
#[cfg(test)]
mod samples;
mod session;
mod when;

pub use api::ApiState;
pub use live::Live;
pub use rights::Right;
pub use routes::ROUTES;

use provisioning::{Provisioner, TenantDirectory};
use store::Store;
use token_service::TokenService;

/// What the pages need.
#[derive(Clone)]
pub struct ConsoleState {
    /// Rows.
    pub store: Store,
    /// Changes.
    pub provisioner: Provisioner,
    /// Tenants.
    pub tenants: TenantDirectory,
    /// Tokens.
    pub tokens: TokenService,
    /// Origin of the shared host.
    pub public_url: url::Url,
    /// DOMAIN of `{slug}.DOMAIN`.
    pub tenant_domain: Option<String>,
    /// Send cookies with `Secure` and `__Host-`? False only on loopback over plain http.
    pub secure_cookies: bool,
    /// Days that requests of identity providers are kept; 0: none are.
    pub request_log_days: u32,
    /// Pages that stay fresh while somebody looks at them.
    pub live: Live,
}

/// `/console/…`, and `/` which leads there. Answers on the public URL's host only (any loopback name when that host is
/// a loopback one).
pub fn router(state: ConsoleState) -> axum::Router {
    routes::router(state)
}

/// `/api/v1/…`, for bearer tokens alone. Answers on the public URL's host only, as the console does.
pub fn api_router(state: ApiState) -> axum::Router {
    api::router(state)
}
