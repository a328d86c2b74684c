//! The frame around every page, and what pages have in common.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use provisioning::{Tenant, configuration::ConsolePage};
use store::admins::{Admin, AdminRole};

use crate::{error::PageError, rights};

/// What the layout needs.
#[derive(Clone, Debug)]
pub(crate) struct Chrome {
    /// `<title>`, before "· Rollcall".
    pub(crate) title: String,
    /// E-mail of the signed-in person.
    pub(crate) operator: Option<String>,
    /// What they are there for; it decides which links and forms a page offers.
    pub(crate) role: Option<AdminRole>,
    /// May they look at what belongs to the installation itself?
    pub(crate) surveys: bool,
}

impl Chrome {
    /// The frame of a page that somebody looks at.
    pub(crate) fn of(title: impl Into<String>, admin: Option<&Admin>) -> Self {
        Self {
            title: title.into(),
            operator: admin.map(|admin| admin.email.clone()),
            role: admin.map(|admin| admin.role),
            surveys: admin.is_some_and(rights::may_survey),
        }
    }

    /// May they make tenants?
    pub(crate) fn founds(&self) -> bool {
        self.role.is_some_and(rights::may_found)
    }

    /// May they look after the installation itself?
    pub(crate) fn operates(&self) -> bool {
        self.role.is_some_and(rights::may_operate)
    }

    /// May they change the tenants that they see?
    pub(crate) fn manages(&self) -> bool {
        self.role.is_some_and(rights::may_manage)
    }

    /// May they decide to whom a product's page is offered?
    pub(crate) fn opens(&self) -> bool {
        self.role.is_some_and(rights::may_open)
    }

    /// What to call them beside their name; nothing for operators, who are the usual case.
    pub(crate) fn role_word(&self) -> Option<&'static str> {
        match self.role? {
            AdminRole::Operator => None,
            AdminRole::Manager => Some("manager"),
            AdminRole::Auditor => Some("auditor"),
        }
    }

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
    /// What the product's guide calls the page with the connection data.
    pub(crate) page: String,
    /// Is that page offered?
    pub(crate) page_open: bool,
    /// Has the product lists of allowed values?
    pub(crate) value_sets: bool,
    /// `overview`, `setup`, `users`, `groups`, …
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
            page: tenant.profile.console_page.clone(),
            page_open: tenant.console_page_open() == ConsolePage::Open,
            value_sets: !tenant.profile.value_sets.is_empty(),
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
