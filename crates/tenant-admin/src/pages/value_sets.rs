//! The value sets that a tenant's profile declares: which values each has, and where they come from.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use scim_core::{profile::ValueSetDeclaration, value_set::AllowedValue};

use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Segments, Visit},
};

/// Values of a set that the list shows.
const SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "value_sets.html")]
pub(crate) struct ValueSetsPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) sets: Vec<SetCard>,
}

/// A value set at a glance.
#[derive(Clone, Debug)]
pub(crate) struct SetCard {
    pub(crate) name: String,
    pub(crate) title: String,
    /// `12 values`.
    pub(crate) summary: String,
    /// Where its values come from, and what that means.
    pub(crate) source: Badge,
    /// What is allowed, in a sentence.
    pub(crate) meaning: &'static str,
    /// The first values.
    pub(crate) values: Vec<AllowedValue>,
    /// How many more there are.
    pub(crate) more: usize,
}

/// `GET …/value-sets`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let head = TenantHead::new(&tenant, "value-sets");
    let sets = tenant.profile.value_sets.iter().map(|declared| card(&tenant, declared)).collect();
    page(
        StatusCode::OK,
        &ValueSetsPage { chrome: visit.chrome(format!("Value sets · {}", head.name)), head, sets },
    )
}

/// A declared set as it holds for a tenant.
pub(crate) fn card(tenant: &Tenant, declared: &ValueSetDeclaration) -> SetCard {
    let values = tenant.value_sets.get(&declared.name).map(|set| set.values());
    let own = tenant.own_sets.get(&declared.name).is_some();
    let (source, meaning) = match (values, own) {
        (Some([]), true) => (Badge::new("warn", "Empty"), "No value is allowed."),
        (Some([]), false) => {
            (Badge::new("warn", "Not filled"), "No value is allowed until the list is filled.")
        }
        (Some(_), true) => (Badge::new("ok", "Of this tenant"), "Only these values are allowed."),
        (Some(_), false) => (Badge::new("quiet", "Of the profile"), "Only these values are allowed."),
        (None, _) => (
            Badge::new("quiet", "Not filled"),
            "Every value is allowed, and noted, until the list is filled.",
        ),
    };
    let values = values.unwrap_or_default();
    SetCard {
        name: declared.name.clone(),
        title: declared.title.clone(),
        summary: count(values.len() as u64, "value"),
        source,
        meaning,
        values: values.iter().take(SHOWN).cloned().collect(),
        more: values.len().saturating_sub(SHOWN),
    }
}
