//! The web console: sign-in, tenants, set-up, tokens, users, groups; and [`api`], the same for programs.
//!
//! One file a page in [`pages`], its template of the same name in `web/templates`. Every route stands in one table
//! ([`ROUTES`]) with the [`Right`] that it needs; who does not have it is refused before any page code runs.

mod api;
mod assets;
mod chrome;
mod connect;
mod diff_view;
mod door;
mod error;
mod extract;
mod findings;
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

use admission::Admission;
use provisioning::{Provisioner, TenantDirectory};
use store::Store;
use token_service::{Networks, TokenService, oidc::Provider};

/// Who has to type a code beside the password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFactor {
    /// Whoever has set that up.
    #[default]
    Optional,
    /// Everybody who signs in with a password: who has not set it up sees nothing else.
    Required,
}

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
    /// To whom events are sent.
    pub destinations: delivery::Destinations,
    /// Origin of the shared host.
    pub public_url: url::Url,
    /// DOMAIN of `{slug}.DOMAIN`.
    pub tenant_domain: Option<String>,
    /// Proxies whose word on the sender's address is believed.
    pub trusted_proxies: Networks,
    /// Who has to have a second factor.
    pub second_factor: SecondFactor,
    /// Where people may sign in beside their password, if anywhere.
    pub oidc: Option<Provider>,
    /// Send cookies with `Secure` and `__Host-`? False only on loopback over plain http.
    pub secure_cookies: bool,
    /// Days that requests of identity providers are kept; 0: none are.
    pub request_log_days: u32,
    /// Pages that stay fresh while somebody looks at them.
    pub live: Live,
    /// Lets requests in.
    pub admission: Admission,
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

/// A problem document of `/api/v1` (RFC 9457) about a request that did not come as far as the API.
#[must_use]
pub fn problem(status: u16, detail: &'static str) -> axum::response::Response {
    api::problem(status, detail)
}
