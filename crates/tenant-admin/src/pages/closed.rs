//! What stands in place of the connection data while the product does not offer it: why, and whom to ask.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use provisioning::{Tenant, configuration::ConsolePage};

use crate::{
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::Visit,
};

#[derive(Template)]
#[template(path = "closed.html")]
pub(crate) struct ClosedPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    /// Sentences; at least one.
    pub(crate) reasons: Vec<String>,
    /// Has the profile a feature gate that was never opened?
    pub(crate) feature_off: bool,
}

/// The answer in place of the page with the connection data, if that is not offered.
pub(crate) fn instead(
    visit: &Visit,
    tenant: &Tenant,
    status: StatusCode,
) -> Result<Option<Response>, PageError> {
    let ConsolePage::Hidden { reasons } = tenant.console_page_open() else { return Ok(None) };
    let head = TenantHead::new(tenant, "setup");
    let shown = ClosedPage {
        chrome: visit.chrome(format!("{} · {}", head.page, head.name)),
        head,
        reasons,
        feature_off: tenant.profile.feature_gate && !tenant.row.gate_open,
    };
    page(status, &shown).map(Some)
}
