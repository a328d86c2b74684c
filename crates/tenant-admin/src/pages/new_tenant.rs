//! Making a tenant from a profile.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{directory::CreateTenantError, slug};
use scim_core::profile::{BUILTIN, Profile};
use serde::Deserialize;

use super::profile::brief;
use crate::{
    ConsoleState,
    chrome::{Chrome, page},
    error::PageError,
    extract::{Fields, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "new_tenant.html")]
pub(crate) struct NewTenantPage {
    pub(crate) chrome: Chrome,
    pub(crate) typed: NewTenantForm,
    pub(crate) errors: Errors,
    pub(crate) products: Vec<Product>,
    /// Start of the Base URL, for the hint under the slug.
    pub(crate) origin: String,
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTenantForm {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) profile: String,
    pub(crate) compatibility: String,
}

/// A profile as a card.
pub(crate) struct Product {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    /// What it means: label and value.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// Fields of the form.
const FIELDS: [&str; 4] = ["name", "slug", "profile", "compatibility"];

static PROFILES: LazyLock<Vec<Profile>> =
    LazyLock::new(|| BUILTIN.iter().filter_map(|(_, text)| Profile::from_toml(text).ok()).collect());

/// Name and title of each profile that ships with Rollcall.
pub(crate) fn products() -> Vec<(String, String)> {
    PROFILES.iter().map(|profile| (profile.name.clone(), profile.title.clone())).collect()
}

/// A profile that ships with Rollcall, compiled.
pub(crate) fn product(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// `GET /console/tenants/new`.
pub(crate) async fn show(State(state): State<ConsoleState>, visit: Visit) -> Result<Response, PageError> {
    let typed = NewTenantForm {
        profile: "generic".to_owned(),
        compatibility: "lenient".to_owned(),
        ..NewTenantForm::default()
    };
    form(StatusCode::OK, &state, &visit, typed, Errors::default())
}

/// `POST /console/tenants/new`.
pub(crate) async fn create(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(mut typed): Fields<NewTenantForm>,
) -> Result<Response, PageError> {
    for field in [&mut typed.name, &mut typed.slug] {
        *field = field.trim().to_owned();
    }
    let mut errors = problems(&typed);
    if errors.is_empty() {
        let context = visit.context();
        let name = Some(typed.name.as_str());
        let made = state
            .tenants
            .create(&typed.slug, name, &typed.profile, &typed.compatibility, false, &context)
            .await;
        match made {
            Ok(tenant) => {
                let overview = format!("/console/tenants/{}?done=created", tenant.row.slug);
                return Ok(Redirect::to(&overview).into_response());
            }
            Err(CreateTenantError::Unfit(problem) | CreateTenantError::Taken(problem)) => {
                errors.add_told(&FIELDS, &problem)
            }
            Err(CreateTenantError::Store(error)) => return Err(error.into()),
        }
    }
    form(StatusCode::UNPROCESSABLE_ENTITY, &state, &visit, typed, errors)
}

fn problems(typed: &NewTenantForm) -> Errors {
    let mut errors = Errors::default();
    match typed.name.chars().count() {
        0 => errors.add("name", "Enter the customer's name."),
        1..=200 => {}
        length => errors.add("name", format!("The name has {length} characters; at most 200 fit.")),
    }
    if typed.slug.is_empty() {
        errors.add("slug", "Enter a slug: it becomes part of the tenant's address.");
    } else if let Err(problem) = slug::check(&typed.slug) {
        errors.add_told(&FIELDS, &problem);
    }
    if product(&typed.profile).is_none() {
        errors.add("profile", "Choose the product that this tenant is for.");
    }
    if !matches!(typed.compatibility.as_str(), "lenient" | "strict") {
        errors.add("compatibility", "Choose lenient or strict.");
    }
    errors
}

fn form(
    status: StatusCode,
    state: &ConsoleState,
    visit: &Visit,
    typed: NewTenantForm,
    errors: Errors,
) -> Result<Response, PageError> {
    let title = if errors.is_empty() { "New tenant" } else { "Error: New tenant" };
    let products = PROFILES.iter().map(card).collect();
    let origin = state.public_url.origin().ascii_serialization();
    page(status, &NewTenantPage { chrome: visit.chrome(title), typed, errors, products, origin })
}

fn card(profile: &Profile) -> Product {
    let mut facts = brief(profile);
    facts.retain(|(_, value)| !value.is_empty());
    Product {
        name: profile.name.clone(),
        title: profile.title.clone(),
        summary: profile.summary.clone(),
        facts,
    }
}
