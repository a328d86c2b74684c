//! The versions of a tenant's profile, and one of them.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Tenant, configuration::compare};

use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    diff_view::{self, DiffRow},
    error::PageError,
    extract::{Segments, Visit},
    pages::tenant,
    when::Moment,
};

/// Versions shown at once.
const SHOWN: u64 = 10;

/// A version in the list.
#[derive(Clone, Debug)]
pub(crate) struct VersionRow {
    pub(crate) version: i32,
    pub(crate) saved: Moment,
    pub(crate) by: String,
    /// Is it the one that holds?
    pub(crate) current: bool,
}

#[derive(Template)]
#[template(path = "profile_version.html")]
pub(crate) struct VersionPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) row: VersionRow,
    pub(crate) text: String,
    /// From it to the version that holds.
    pub(crate) diff: Vec<DiffRow>,
}

/// The newest versions below one, and the link to those before them.
pub(super) async fn rows(
    state: &ConsoleState,
    tenant: &Tenant,
    below: Option<i32>,
) -> Result<(Vec<VersionRow>, Option<String>), PageError> {
    let now = state.store.now();
    let found = state.store.tenant(tenant.id()).profile_versions(below, SHOWN).await?;
    let last = found.last().map(|version| version.version);
    let older = last
        .filter(|last| *last > 1)
        .map(|last| format!("/console/tenants/{}/profile?below={last}#versions", tenant.row.slug));
    let rows = found
        .into_iter()
        .map(|version| VersionRow {
            version: version.version,
            saved: Moment::new(version.created_at, now),
            by: version.created_by,
            current: version.version == tenant.row.profile_version,
        })
        .collect();
    Ok((rows, older))
}

/// `GET …/profile/versions/{version}`.
pub(crate) async fn version(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, version)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let version = version.parse().map_err(|_| PageError::NotFound)?;
    let found = state.store.tenant(tenant.id()).profile_version(version).await?.ok_or(PageError::NotFound)?;
    let head = TenantHead::new(&tenant, "profile");
    let shown = VersionPage {
        chrome: visit.chrome(format!("Version {version} of the profile · {}", head.name)),
        row: VersionRow {
            version,
            saved: Moment::new(found.created_at, state.store.now()),
            by: found.created_by,
            current: version == tenant.row.profile_version,
        },
        diff: diff_view::rows(compare(&found.body, &tenant.row.profile).await?.as_deref()),
        text: found.body,
        head,
    };
    page(StatusCode::OK, &shown)
}
