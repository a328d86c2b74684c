//! The frame around every page, and what pages have in common.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use provisioning::Tenant;

use crate::error::PageError;

/// What the layout needs.
#[derive(Clone, Debug)]
pub(crate) struct Chrome {
    /// `<title>`, before "· Rollcall".
    pub(crate) title: String,
    /// E-mail of the signed-in person.
    pub(crate) operator: Option<String>,
}

impl Chrome {
    /// URL of a static file.
    pub(crate) fn asset(&self, name: &str) -> &'static str {
        crate::assets::url(name)
    }
}

/// A word with a mark before it: never told by colour alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// `ok`, `warn`, `bad`, `quiet`: the look.
    pub(crate) kind: &'static str,
    /// The word.
    pub(crate) text: String,
}

impl Badge {
    /// A badge.
    pub(crate) fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Of a thing that is active or not.
    pub(crate) fn active(active: bool) -> Self {
        if active { Self::new("ok", "Active") } else { Self::new("quiet", "Inactive") }
    }

    /// Of somebody who was deleted.
    pub(crate) fn deleted() -> Self {
        Self::new("bad", "Deleted")
    }
}

/// Head of a tenant's pages: name, status, tabs.
#[derive(Clone, Debug)]
pub(crate) struct TenantHead {
    /// Slug.
    pub(crate) slug: String,
    /// Name.
    pub(crate) name: String,
    /// Title of its profile.
    pub(crate) product: String,
    /// Status.
    pub(crate) status: Badge,
    /// Does the product have groups?
    pub(crate) groups: bool,
    /// `setup`, `users` or `groups`.
    pub(crate) tab: &'static str,
}

impl TenantHead {
    /// Of a tenant, on a tab.
    pub(crate) fn new(tenant: &Tenant, tab: &'static str) -> Self {
        Self {
            slug: tenant.row.slug.clone(),
            name: tenant.row.name.clone(),
            product: tenant.profile.title.clone(),
            status: Badge::active(tenant.is_active()),
            groups: tenant.profile.group.is_some(),
            tab,
        }
    }
}

/// `1 user`, `2 users`.
pub(crate) fn count(number: u64, singular: &str) -> String {
    if number == 1 { format!("1 {singular}") } else { format!("{number} {singular}s") }
}

/// A rendered page as an answer.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    Ok(html(status, template.render()?))
}

/// HTML as an answer.
pub(crate) fn html(status: StatusCode, html: String) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    (status, [kind], html).into_response()
}
