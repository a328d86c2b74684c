//! The versions of a tenant's profile, and one of them.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Tenant, configuration::compare};
use scim_core::profile::edit;
use serde::Deserialize;

use super::words::{Word, words};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    diff_view::{self, DiffRow},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    form::Errors,
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
    /// From it to the version that holds, by setting.
    pub(crate) words: Vec<Word>,
    /// The same by line.
    pub(crate) diff: Vec<DiffRow>,
    /// The version that holds.
    pub(crate) current: i32,
}

#[derive(Template)]
#[template(path = "profile_compare.html")]
pub(crate) struct ComparePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) difference: Option<Difference>,
    pub(crate) errors: Errors,
}

/// What became of a text.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) words: Vec<Word>,
    pub(crate) diff: Vec<DiffRow>,
}

/// Which versions.
#[derive(Deserialize)]
pub(crate) struct Pair {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
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
        words: words(&edit::changes(&found.body, &tenant.row.profile).unwrap_or_default()),
        diff: diff_view::rows(compare(&found.body, &tenant.row.profile).await?.as_deref()),
        current: tenant.row.profile_version,
        text: found.body,
        head,
    };
    page(StatusCode::OK, &shown)
}

/// `GET …/profile/compare`: any two versions; without a choice the last two.
pub(crate) async fn compare_two(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(pair): Parameters<Pair>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let current = tenant.row.profile_version;
    let or = |text: String, other: i32| if text.trim().is_empty() { other.to_string() } else { text };
    let (from, to) = (or(pair.from, (current - 1).max(1)), or(pair.to, current));
    let scope = state.store.tenant(tenant.id());
    let mut errors = Errors::default();
    let mut texts = Vec::new();
    for (field, version) in [("from", &from), ("to", &to)] {
        let found = match version.trim().parse() {
            Ok(version) => scope.profile_version(version).await?,
            Err(_) => None,
        };
        match found {
            Some(found) => texts.push(found.body),
            None => errors.add(field, format!("There is no such version; there are 1 to {current}.")),
        }
    }
    let difference = match texts.as_slice() {
        [old, new] => Some(Difference {
            words: words(&edit::changes(old, new).unwrap_or_default()),
            diff: diff_view::rows(compare(old, new).await?.as_deref()),
        }),
        _ => None,
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let head = TenantHead::new(&tenant, "profile");
    let chrome = visit.chrome(format!("Versions compared · {}", head.name));
    page(status, &ComparePage { chrome, head, from, to, difference, errors })
}
