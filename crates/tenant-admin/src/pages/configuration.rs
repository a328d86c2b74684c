//! What an administrator of the product edits on its SCIM page: status, organization, role prefix.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{Tenant, TenantDirectory, configuration::ConfigurationError};
use scim_core::profile::edit;
use serde::Deserialize;
use store::{
    groups::RoleChange,
    tenants::{TenantSettings, TenantStatus},
};

use super::{closed, settings::OrganizationField, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

/// Fields of the form.
const FIELDS: [&str; 3] = ["status", "organization", "prefix"];

/// Longest role prefix, in characters.
const LONGEST_PREFIX: usize = 100;

/// Users that a dry run looks at; whether people fit does not hang on the prefix.
const CHECKED: u64 = 0;

#[derive(Template)]
#[template(path = "configuration.html")]
pub(crate) struct ConfigurationPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) active: bool,
    pub(crate) organization: Option<OrganizationField>,
    /// Where the product has one.
    pub(crate) prefix: Option<String>,
    /// The version of the profile that the form was made from.
    pub(crate) version: i32,
    /// A dry run of another prefix.
    pub(crate) preview: Option<Preview>,
    pub(crate) errors: Errors,
}

/// What another prefix would do.
pub(crate) struct Preview {
    /// The prefix that it is about.
    pub(crate) prefix: String,
    /// Sentences, one a role; empty: nobody's roles change.
    pub(crate) roles: Vec<String>,
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigurationForm {
    status: String,
    organization: Option<String>,
    prefix: Option<String>,
    version: String,
    /// The prefix whose dry run was shown.
    previewed: Option<String>,
}

/// `GET …/setup/edit`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::OK)? {
        return Ok(closed);
    }
    page(StatusCode::OK, &configuration_page(&visit, &tenant))
}

/// `POST …/setup/edit`: another prefix is saved only after its dry run was shown.
pub(crate) async fn update(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<ConfigurationForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    let (mut errors, mut newer) = (Errors::default(), None);
    let wanted = Wanted::read(&tenant, &typed, &mut errors)?;
    let mut preview = None;
    if errors.is_empty() {
        match &wanted.prefix {
            Some((prefix, text)) if typed.previewed.as_deref() != Some(prefix) => {
                match dry_run(&state, &tenant, prefix, text).await {
                    Ok(shown) => preview = Some(shown),
                    Err(error) => tell(error, &mut errors)?,
                }
            }
            _ => match wanted.save(&state, &visit, &tenant).await {
                Ok(()) => {
                    let done = format!("/console/tenants/{slug}/setup?done=updated");
                    return Ok(Redirect::to(&done).into_response());
                }
                Err(error) => {
                    tell(error, &mut errors)?;
                    newer = state.tenants.by_id(tenant.id()).await?;
                }
            },
        }
    }
    let mut shown = configuration_page(&visit, newer.as_ref().unwrap_or(&tenant));
    if !errors.is_empty() {
        shown.chrome.title = format!("Error: {}", shown.chrome.title);
    }
    if let (Some(organization), Some(value)) = (&mut shown.organization, typed.organization) {
        organization.value = value;
    }
    if shown.prefix.is_some() {
        shown.prefix = typed.prefix.or(shown.prefix);
    }
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page(status, &ConfigurationPage { active: wanted.active, preview, errors, ..shown })
}

/// What is to be saved.
struct Wanted {
    active: bool,
    settings: TenantSettings,
    /// Another prefix, and the profile with it.
    prefix: Option<(String, String)>,
    /// Version of the profile that the form was made from.
    version: i32,
}

impl Wanted {
    /// All of it is checked before any of it is done.
    fn read(tenant: &Tenant, typed: &ConfigurationForm, errors: &mut Errors) -> Result<Self, PageError> {
        let active = match typed.status.as_str() {
            "active" => true,
            "inactive" => false,
            _ => {
                errors.add("status", "Choose Active or Inactive.");
                tenant.is_active()
            }
        };
        let status = if active { TenantStatus::Active } else { TenantStatus::Inactive };
        let organization = typed.organization.clone().filter(|_| tenant.profile.organization.is_some());
        let settings = TenantSettings {
            organization: organization.map(Some),
            status: Some(status),
            ..TenantSettings::default()
        };
        if let Err(error) = TenantDirectory::check_settings(tenant, &settings) {
            tell(error, errors)?;
        }
        let version = typed.version.parse().unwrap_or_default();
        let prefix = new_text(tenant, typed.prefix.as_deref(), errors);
        if prefix.is_some() && version != tenant.row.profile_version {
            tell(ConfigurationError::Outdated(version), errors)?;
        }
        Ok(Self { active, settings, prefix, version })
    }

    /// The profile first: it is what may still be refused. The rest is one change; should it be refused after all,
    /// because somebody else was faster, the error says that the prefix is saved.
    async fn save(
        &self,
        state: &ConsoleState,
        visit: &Visit,
        tenant: &Tenant,
    ) -> Result<(), ConfigurationError> {
        let context = visit.context();
        if let Some((_, text)) = &self.prefix {
            state.tenants.save_profile(tenant, text, self.version, &context).await?;
        }
        match state.tenants.configure(tenant, &self.settings, &context).await {
            Err(ConfigurationError::Unfit(text)) if self.prefix.is_some() => {
                Err(ConfigurationError::Unfit(format!("{text}. The role prefix is saved; the rest is not")))
            }
            outcome => outcome,
        }
    }
}

/// The new prefix and the profile with it, if it is another one.
fn new_text(tenant: &Tenant, typed: Option<&str>, errors: &mut Errors) -> Option<(String, String)> {
    let (old, new) = (tenant.profile.roles.prefix.as_deref()?, typed?.trim());
    if old == new {
        return None;
    }
    if new.is_empty() || new.chars().count() > LONGEST_PREFIX || new.chars().any(char::is_control) {
        errors.add("prefix", format!("Use 1 to {LONGEST_PREFIX} printable characters, such as {old}"));
        return None;
    }
    match edit::with_role_prefix(&tenant.row.profile, new) {
        Ok(text) => Some((new.to_owned(), text)),
        Err(error) => {
            errors.add("prefix", format!("The profile cannot be changed: {error}."));
            None
        }
    }
}

async fn dry_run(
    state: &ConsoleState,
    tenant: &Tenant,
    prefix: &str,
    text: &str,
) -> Result<Preview, ConfigurationError> {
    let preview = state.tenants.preview_profile(tenant, text, Some(CHECKED), &|_, _| ()).await?;
    Ok(Preview { prefix: prefix.to_owned(), roles: preview.roles.iter().map(sentence).collect() })
}

/// `14 people gain Manager, 2 lose it`.
pub(crate) fn sentence(change: &RoleChange) -> String {
    let people = |number: u64| if number == 1 { "1 person".to_owned() } else { format!("{number} people") };
    let verb = |number: u64, verb: &str| if number == 1 { format!("{verb}s") } else { verb.to_owned() };
    let role = &change.role.name;
    match (change.gain, change.lose) {
        (gain, 0) => format!("{} {} {role}", people(gain), verb(gain, "gain")),
        (0, lose) => format!("{} {} {role}", people(lose), verb(lose, "lose")),
        (gain, lose) => {
            let (gains, loses) = (verb(gain, "gain"), verb(lose, "lose"));
            format!("{} {gains} {role}, {lose} {loses} it", people(gain))
        }
    }
}

/// What a person can mend goes into the form.
fn tell(error: ConfigurationError, errors: &mut Errors) -> Result<(), PageError> {
    match error {
        ConfigurationError::Store(error) => return Err(error.into()),
        ConfigurationError::Profile(error) => {
            errors.add("prefix", format!("The profile does not take it: {error}."))
        }
        error => errors.add_told(&FIELDS, &error.to_string()),
    }
    Ok(())
}

fn configuration_page(visit: &Visit, tenant: &Tenant) -> ConfigurationPage {
    let head = TenantHead::new(tenant, "setup");
    ConfigurationPage {
        chrome: visit.chrome(format!("Edit {} · {}", head.page, head.name)),
        active: tenant.is_active(),
        organization: OrganizationField::of(tenant),
        prefix: tenant.profile.roles.prefix.clone(),
        version: tenant.row.profile_version,
        preview: None,
        errors: Errors::default(),
        head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::roles::Role;

    #[test]
    fn role_changes_are_told_as_one_says_them() {
        let change = |gain, lose| {
            let role = Role { key: "manager".into(), name: "Manager".into() };
            sentence(&RoleChange { role, gain, lose })
        };
        assert_eq!(change(14, 2), "14 people gain Manager, 2 lose it");
        assert_eq!(change(1, 1), "1 person gains Manager, 1 loses it");
        assert_eq!(change(3, 0), "3 people gain Manager");
        assert_eq!(change(0, 1), "1 person loses Manager");
    }
}
