//! What a list was, and the way back to it.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{
    Tenant,
    configuration::{ValueDifference, text_of_values},
};

use super::{
    declared,
    preview::{Line, lines},
    values_of,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Segments, Visit},
    pages::tenant,
    when::Moment,
};

/// Versions shown: as many as are kept.
const SHOWN: u64 = 50;

/// A version in the list.
#[derive(Clone, Debug)]
pub(crate) struct VersionRow {
    pub(crate) version: i32,
    pub(crate) saved: Moment,
    /// Empty: before changes were noted.
    pub(crate) by: String,
    /// `12 values`, or that there was no list.
    pub(crate) summary: String,
    /// Is it the newest, the one that holds?
    pub(crate) current: bool,
}

#[derive(Template)]
#[template(path = "value_set_version.html")]
pub(crate) struct VersionPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) row: VersionRow,
    /// The values, one a line; `None`: there was no list of the tenant.
    pub(crate) text: Option<String>,
    /// From it to the list that holds.
    pub(crate) lines: Vec<Line>,
}

fn row(version: &store::tenants::ValueSetVersion, newest: i32, now: i64) -> VersionRow {
    VersionRow {
        version: version.version,
        saved: Moment::new(version.created_at, now),
        by: version.created_by.clone(),
        summary: match &version.values {
            Some(values) => count(values.len() as u64, "value"),
            None => "no list of its own".to_owned(),
        },
        current: version.version == newest,
    }
}

/// All that are kept, newest first.
pub(super) async fn rows(
    state: &ConsoleState,
    tenant: &Tenant,
    name: &str,
) -> Result<Vec<VersionRow>, PageError> {
    let found = state.store.tenant(tenant.id()).value_set_versions(name, SHOWN).await?;
    let (newest, now) = (found.first().map_or(0, |one| one.version), state.store.now());
    Ok(found.iter().map(|one| row(one, newest, now)).collect())
}

/// `GET …/value-sets/{name}/versions/{version}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, name, version)): Segments<(String, String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let declared = declared(&tenant, &name)?;
    let scope = state.store.tenant(tenant.id());
    let version = version.parse().map_err(|_| PageError::NotFound)?;
    let found = scope.value_set_version(&name, version).await?.ok_or(PageError::NotFound)?;
    let newest = scope.value_set_versions(&name, 1).await?.first().map_or(0, |one| one.version);
    let head = TenantHead::new(&tenant, "value-sets");
    let now_values = values_of(&tenant, &name);
    let profiles = || declared.values.as_ref().map(|set| set.values()).unwrap_or_default();
    let difference = ValueDifference::of(found.values.as_deref().unwrap_or_else(profiles), now_values);
    let shown = VersionPage {
        chrome: visit.chrome(format!("Version {version} of {} · {}", declared.title, head.name)),
        title: declared.title.clone(),
        row: row(&found, newest, state.store.now()),
        text: found.values.as_deref().map(text_of_values),
        lines: lines(&difference),
        name,
        head,
    };
    page(StatusCode::OK, &shown)
}
