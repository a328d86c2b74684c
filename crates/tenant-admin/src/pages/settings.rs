//! A tenant's settings: its name, its organization, the properties of the customer's account.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{
    Tenant,
    configuration::{ConfigurationError, ConsolePage},
};
use scim_core::profile::Gate;
use store::tenants::TenantSettings;
use token_service::Lifetime;

use super::{Done, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    rights,
};

/// Before the name of a property in the form.
const PROPERTY: &str = "property-";
/// The field of the longest life of new credentials.
const LIMIT: &str = "max-token-lifetime";
/// The field of the requests a second.
const RATE: &str = "rate-limit";

#[derive(Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) saved: bool,
    pub(crate) name: String,
    pub(crate) organization: Option<OrganizationField>,
    pub(crate) properties: Vec<Choice>,
    /// Why the page with the connection data is not offered.
    pub(crate) reasons: Vec<String>,
    pub(crate) errors: Errors,
    /// `lenient` or `strict`.
    pub(crate) compatibility: String,
    pub(crate) limit: LimitField,
    /// Requests a second; empty: what the installation sets.
    pub(crate) rate: String,
    pub(crate) active: bool,
    /// How long a deleted tenant can be restored: `30 days`.
    pub(crate) retention: String,
}

/// The longest life of new credentials as a field.
#[derive(Clone, Debug)]
pub(crate) struct LimitField {
    /// `90d`; empty: what the installation allows.
    pub(crate) value: String,
    /// What holds now: `90 days`.
    pub(crate) holds: String,
    /// What the installation allows.
    pub(crate) platform: String,
}

impl LimitField {
    fn of(state: &ConsoleState, tenant: &Tenant) -> Self {
        let words = |days| state.tokens.longest(days).lifetime.words();
        let days = tenant.row.credential_days;
        Self {
            value: days.map(|days| Lifetime::from_days(days).to_string()).unwrap_or_default(),
            holds: words(days),
            platform: words(None),
        }
    }
}

/// The organization as a field.
#[derive(Clone, Debug)]
pub(crate) struct OrganizationField {
    /// What the product calls it.
    pub(crate) title: String,
    pub(crate) required: bool,
    pub(crate) value: String,
    /// What can be chosen, with labels; empty: any text.
    pub(crate) choices: Vec<(String, String)>,
    /// The value set that holds the choices.
    pub(crate) value_set: Option<String>,
}

impl OrganizationField {
    /// Of a tenant whose product has organizations.
    pub(crate) fn of(tenant: &Tenant) -> Option<Self> {
        let declared = tenant.profile.organization.as_ref()?;
        let set = declared.value_set.as_ref().and_then(|name| tenant.value_sets.get(name));
        let choices: Vec<(String, String)> = set
            .map(|set| set.values())
            .unwrap_or_default()
            .iter()
            .map(|allowed| {
                let label = allowed.label.clone().unwrap_or_else(|| allowed.value.clone());
                (allowed.value.clone(), label)
            })
            .collect();
        Some(Self {
            title: declared.title.clone(),
            required: declared.required,
            value: tenant.row.organization.clone().unwrap_or_default(),
            value_set: declared.value_set.clone(),
            choices,
        })
    }

    /// Is the value one of the choices?
    pub(crate) fn is_offered(&self) -> bool {
        self.choices.iter().any(|(value, _)| *value == self.value)
    }
}

/// A property as a list to choose from.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Name of the field.
    pub(crate) field: String,
    pub(crate) title: String,
    pub(crate) value: String,
    pub(crate) values: Vec<String>,
    /// With which the page with the connection data is offered.
    pub(crate) opens: String,
}

impl Choice {
    fn of(gate: &Gate, value: Option<&String>) -> Self {
        Self {
            field: format!("{PROPERTY}{}", gate.name),
            title: gate.title.clone(),
            value: value.cloned().unwrap_or_default(),
            values: gate.values.clone(),
            opens: gate.opens.join(" or "),
        }
    }
}

/// `GET …/settings`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let shown = SettingsPage { saved: query.done == "saved", ..settings_page(&state, &visit, &tenant) };
    page(StatusCode::OK, &shown)
}

/// `POST …/settings`.
pub(crate) async fn save(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<HashMap<String, String>>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut errors = Errors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let is_operator = rights::may_open(visit.admin.role);
    match wanted(&tenant, &typed) {
        Err(problem) => errors.add_told(&[LIMIT, RATE], &problem),
        Ok(wanted) if !is_operator && changes_properties(&tenant, &wanted) => {
            status = StatusCode::FORBIDDEN;
            errors.add_told(&[], rights::FOR_OPERATORS);
        }
        Ok(wanted)
            if !is_operator
                && wanted.credential_days.is_some_and(|days| days != tenant.row.credential_days) =>
        {
            status = StatusCode::FORBIDDEN;
            errors.add_told(
                &[],
                "How long credentials may live is for an operator of this installation to say",
            );
        }
        Ok(wanted) if !is_operator && wanted.rate_limit.is_some_and(|rate| rate != tenant.row.rate_limit) => {
            status = StatusCode::FORBIDDEN;
            errors
                .add_told(&[], "How many requests are taken is for an operator of this installation to say");
        }
        Ok(wanted) => match state.tenants.configure(&tenant, &wanted, &visit.context()).await {
            Ok(()) => {
                let saved = format!("/console/tenants/{slug}/settings?done=saved");
                return Ok(Redirect::to(&saved).into_response());
            }
            Err(ConfigurationError::Store(error)) => return Err(error.into()),
            Err(error) => errors.add_told(&["name", "organization", LIMIT, RATE], &error.to_string()),
        },
    }
    let mut shown = settings_page(&state, &visit, &tenant);
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    let text = |field: &str| typed.get(field).cloned();
    shown.name = text("name").unwrap_or(shown.name);
    if let (Some(organization), Some(value)) = (&mut shown.organization, text("organization")) {
        organization.value = value;
    }
    shown.limit.value = text(LIMIT).filter(|_| is_operator).unwrap_or(shown.limit.value);
    shown.rate = text(RATE).filter(|_| is_operator).unwrap_or(shown.rate);
    for property in shown.properties.iter_mut().filter(|_| is_operator) {
        property.value = text(&property.field).unwrap_or_default();
    }
    page(status, &SettingsPage { errors, ..shown })
}

/// What the form asks for: fields that it does not have stay as they are. The error names its field.
fn wanted(tenant: &Tenant, typed: &HashMap<String, String>) -> Result<TenantSettings, String> {
    let mut properties = BTreeMap::new();
    for gate in &tenant.profile.gates {
        if let Some(value) = typed.get(&format!("{PROPERTY}{}", gate.name)) {
            properties.insert(gate.name.clone(), Some(value.clone()));
        }
    }
    let organization = typed.get("organization").filter(|_| tenant.profile.organization.is_some());
    Ok(TenantSettings {
        name: typed.get("name").cloned(),
        organization: organization.map(|text| Some(text.clone())),
        properties,
        credential_days: typed.get(LIMIT).map(|text| limit(text)).transpose()?,
        rate_limit: typed.get(RATE).map(|text| rate(text)).transpose()?,
        ..TenantSettings::default()
    })
}

/// Days of a longest life; `None` for nothing.
fn limit(text: &str) -> Result<Option<i32>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let lifetime: Lifetime = text.parse().map_err(|error| format!("{LIMIT}: {error}"))?;
    Ok(Some(lifetime.days()))
}

/// Requests a second; `None` for nothing.
fn rate(text: &str) -> Result<Option<i32>, String> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| format!("{RATE}: write a whole number, or nothing")),
    }
}

/// Would a property have another value than it has?
fn changes_properties(tenant: &Tenant, wanted: &TenantSettings) -> bool {
    let differs = |(name, value): (&String, &Option<String>)| {
        let now = tenant.row.properties.get(name).map(String::as_str).unwrap_or_default();
        value.as_deref().unwrap_or_default().trim() != now
    };
    wanted.properties.iter().any(differs)
}

fn settings_page(state: &ConsoleState, visit: &Visit, tenant: &Tenant) -> SettingsPage {
    let head = TenantHead::new(tenant, "settings");
    let reasons = match tenant.console_page_open() {
        ConsolePage::Open => Vec::new(),
        ConsolePage::Hidden { reasons } => reasons,
    };
    let property = |gate: &Gate| Choice::of(gate, tenant.row.properties.get(&gate.name));
    SettingsPage {
        chrome: visit.chrome(format!("Settings · {}", head.name)),
        saved: false,
        name: tenant.row.name.clone(),
        organization: OrganizationField::of(tenant),
        properties: tenant.profile.gates.iter().map(property).collect(),
        reasons,
        errors: Errors::default(),
        compatibility: tenant.row.compatibility.clone(),
        limit: LimitField::of(state, tenant),
        rate: tenant.row.rate_limit.map(|rate| rate.to_string()).unwrap_or_default(),
        active: tenant.is_active(),
        retention: count(state.tenants.retention_days().into(), "day"),
        head,
    }
}
