//! Name, organization and properties of a tenant, and whether it is served.

use scim_core::fold;
use store::{
    ChangeContext, StoreError,
    tenants::{TenantSettings, TenantStatus},
};

use super::{ConfigurationError, short_text, unfit};
use crate::{Tenant, TenantDirectory, attempts::whole};

/// Longest name of a tenant, in characters.
pub(crate) const NAME_LENGTH: usize = 200;

/// Longest that any token may live, in days: ten years with three leap days.
const CREDENTIAL_DAYS: i32 = 3653;

/// Most requests a second that a node may be told to take of a tenant.
const HIGHEST_RATE: i32 = 100_000;

/// Longest organization, in characters.
const ORGANIZATION_LENGTH: usize = 200;

impl TenantDirectory {
    /// Checks and changes what the settings name, all of it or nothing; texts are trimmed and spelled as the profile
    /// spells them. Repeats with the tenant as it is by then while somebody else changes its configuration.
    pub async fn configure(
        &self,
        tenant: &Tenant,
        settings: &TenantSettings,
        context: &ChangeContext,
    ) -> Result<(), ConfigurationError> {
        let platform = self.store().platform();
        let (mut newer, mut repeated) = (None, 0);
        loop {
            let tenant = newer.as_deref().unwrap_or(tenant);
            let checked = Self::check_settings(tenant, settings)?;
            match whole(|| platform.configure_tenant(tenant.id(), &checked, context)).await {
                Err(StoreError::Stale) => newer = Some(self.read_again(tenant.id(), &mut repeated).await?),
                outcome => return Ok(outcome.map(|_| ())?),
            }
        }
    }

    /// The settings as [`Self::configure`] would keep them.
    pub fn check_settings(
        tenant: &Tenant,
        settings: &TenantSettings,
    ) -> Result<TenantSettings, ConfigurationError> {
        let (checked, faults) = check_each(tenant, settings);
        faults.into_iter().next().map_or(Ok(checked), |(_, fault)| Err(fault))
    }

    /// Serves the tenant, and opens its profile's feature gate. Refused while its organization is missing and needed.
    pub async fn activate(&self, tenant: &Tenant, context: &ChangeContext) -> Result<(), ConfigurationError> {
        self.configure(tenant, &TenantStatus::Active.into(), context).await
    }

    /// Stops serving the tenant.
    pub async fn deactivate(
        &self,
        tenant: &Tenant,
        context: &ChangeContext,
    ) -> Result<(), ConfigurationError> {
        self.configure(tenant, &TenantStatus::Inactive.into(), context).await
    }
}

/// One of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Name,
    Organization,
    Status,
    CredentialDays,
    RateLimit,
    /// By its name as it was typed.
    Property(String),
}

/// What fits of the settings, as it would be kept; and of each that does not what is wrong with it.
pub(super) fn check_each(
    tenant: &Tenant,
    settings: &TenantSettings,
) -> (TenantSettings, Vec<(Setting, ConfigurationError)>) {
    let mut checked = TenantSettings { checked_by: Some(tenant.row.version), ..TenantSettings::default() };
    let mut faults = Vec::new();
    let mut note = |setting: Setting, fault| faults.push((setting, fault));
    let active = settings.status.map_or(tenant.is_active(), |status| status == TenantStatus::Active);
    match settings.name.as_deref().map(|name| short_text("name", name, NAME_LENGTH)).transpose() {
        Ok(name) => checked.name = name.map(str::to_owned),
        Err(fault) => note(Setting::Name, fault),
    }
    let mut organization = tenant.row.organization.clone();
    if let Some(wanted) = &settings.organization {
        let wanted = wanted.as_deref().map(str::trim).filter(|text| !text.is_empty());
        organization = wanted.map(str::to_owned);
        match check_organization(tenant, wanted, active) {
            Ok(wanted) => checked.organization = Some(wanted),
            Err(fault) => note(Setting::Organization, fault),
        }
    }
    match settings.status {
        // That it is missing is told once.
        Some(TenantStatus::Active) if checked.organization.is_some() || settings.organization.is_none() => {
            match check_activation(tenant, organization.as_deref()) {
                Ok(()) => checked.status = settings.status,
                Err(fault) => note(Setting::Status, fault),
            }
        }
        status => checked.status = status,
    }
    match settings.credential_days.map(check_days).transpose() {
        Ok(days) => checked.credential_days = days,
        Err(fault) => note(Setting::CredentialDays, fault),
    }
    match settings.rate_limit.map(check_rate).transpose() {
        Ok(rate) => checked.rate_limit = rate,
        Err(fault) => note(Setting::RateLimit, fault),
    }
    for (name, value) in &settings.properties {
        let value = value.as_deref().map(str::trim).filter(|text| !text.is_empty());
        match check_property(tenant, name, value) {
            Ok((name, value)) => drop(checked.properties.insert(name, value)),
            Err(fault) => note(Setting::Property(name.clone()), fault),
        }
    }
    (checked, faults)
}

/// A property as the profile spells it, if it has it.
pub(super) fn spelled<'a>(tenant: &'a Tenant, name: &str) -> Option<&'a str> {
    let mut gates = tenant.profile.gates.iter().map(|gate| gate.name.as_str());
    gates.find(|gate| gate.eq_ignore_ascii_case(name.trim()))
}

fn check_activation(tenant: &Tenant, organization: Option<&str>) -> Result<(), ConfigurationError> {
    match &tenant.profile.organization {
        Some(declared) if declared.required && organization.is_none() => {
            unfit(format!("organization: {} needs one before it is activated; set it", tenant.row.slug))
        }
        _ => Ok(()),
    }
}

fn check_days(days: Option<i32>) -> Result<Option<i32>, ConfigurationError> {
    match days {
        Some(days) if !(1..=CREDENTIAL_DAYS).contains(&days) => unfit(format!(
            "max-token-lifetime: a new credential may live 1 to {CREDENTIAL_DAYS} days (10y); choose a length between them"
        )),
        days => Ok(days),
    }
}

fn check_rate(per_second: Option<i32>) -> Result<Option<i32>, ConfigurationError> {
    match per_second {
        Some(per_second) if !(1..=HIGHEST_RATE).contains(&per_second) => unfit(format!(
            "rate-limit: a tenant may send 1 to {HIGHEST_RATE} requests a second; choose a number between them"
        )),
        per_second => Ok(per_second),
    }
}

fn check_organization(
    tenant: &Tenant,
    organization: Option<&str>,
    active: bool,
) -> Result<Option<String>, ConfigurationError> {
    let Some(declared) = &tenant.profile.organization else {
        return match organization {
            None => Ok(None),
            Some(_) => {
                unfit(format!("organization: {} has no organizations; leave it out", tenant.profile.title))
            }
        };
    };
    let Some(text) = organization else {
        if declared.required && active {
            return unfit("organization: it is needed as long as the tenant is active; choose another one");
        }
        return Ok(None);
    };
    let text = short_text("organization", text, ORGANIZATION_LENGTH)?;
    let choices = declared.value_set.as_ref().and_then(|name| Some((name, tenant.value_sets.get(name)?)));
    let Some((name, set)) = choices else { return Ok(Some(text.to_owned())) };
    match set.find(text) {
        Some(allowed) => Ok(Some(allowed.value.clone())),
        None => unfit(format!(
            "organization: {text:?} is not in the value set {name:?}; {}, or add it there first",
            set.remedy()
        )),
    }
}

fn check_property(
    tenant: &Tenant,
    name: &str,
    value: Option<&str>,
) -> Result<(String, Option<String>), ConfigurationError> {
    let gates = &tenant.profile.gates;
    // What an earlier profile asked may be taken away, also where this one spells it otherwise.
    if value.is_none() && tenant.row.properties.contains_key(name) {
        return Ok((name.to_owned(), None));
    }
    let spelled = spelled(tenant, name);
    let Some(gate) = gates.iter().find(|gate| Some(gate.name.as_str()) == spelled) else {
        let known: Vec<&str> = gates.iter().map(|gate| gate.name.as_str()).collect();
        let title = &tenant.profile.title;
        return match known.as_slice() {
            [] => unfit(format!("property: {title} asks for no properties; leave {name:?} out")),
            known => unfit(format!("property: {title} has no {name:?}; it has {}", known.join(", "))),
        };
    };
    let Some(value) = value else { return Ok((gate.name.clone(), None)) };
    match gate.values.iter().find(|known| fold(known) == fold(value)) {
        Some(known) => Ok((gate.name.clone(), Some(known.clone()))),
        None => unfit(format!("{}: {value:?} is no value of it; use {}", gate.name, gate.values.join(", "))),
    }
}
