//! What a declaration would change, field by field. Everything is judged before anything is done.

use std::{collections::BTreeMap, sync::Arc};

use provisioning::{
    Tenant,
    configuration::{DiffLine, Judged, compare},
};
use scim_core::value_set::AllowedValue;
use serde_json::{Value, json};
use store::{destinations::DestinationKind, groups::RoleChange, tenants::TenantRow};
use token_service::Lifetime;

use super::{
    destinations::{self, DestinationStep, Whose},
    read::{Wanted, WantedTenant},
    source::{Fault, Faults},
};
use crate::installation::Installation;

/// All that would change, in the order in which it would.
pub(crate) struct Plan {
    pub(super) tenants: Vec<TenantSteps>,
    /// Of the installation.
    pub(super) destinations: Vec<DestinationStep>,
    /// Environment variables that are not set: what is there already was not compared with them.
    pub(crate) unset: Vec<String>,
}

/// What would change of a tenant.
pub(super) struct TenantSteps {
    pub(super) slug: String,
    pub(super) judged: Box<Judged>,
    pub(super) fields: Vec<Field>,
    pub(super) roles: Vec<RoleChange>,
    pub(super) destinations: Vec<DestinationStep>,
}

/// What becomes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Create,
    Change,
    Remove,
}

/// A field that would change.
#[derive(Debug)]
pub(super) struct Field {
    /// `name`, `value-sets.sites`.
    pub(super) name: String,
    /// `None`: it has none.
    pub(super) before: Option<Value>,
    /// `None`: it has none any more.
    pub(super) after: Option<Value>,
    /// Of a text: its lines.
    pub(super) lines: Option<Vec<DiffLine>>,
}

impl Plan {
    /// Would nothing change?
    pub(crate) fn is_empty(&self) -> bool {
        self.counts() == [0; 3]
    }

    /// How many things would be made, changed and removed.
    pub(super) fn counts(&self) -> [usize; 3] {
        let tenants = self.tenants.iter().filter_map(TenantSteps::deed);
        let of_tenants = self.tenants.iter().flat_map(|tenant| &tenant.destinations);
        let destinations = of_tenants.chain(&self.destinations).map(DestinationStep::deed);
        let mut counts = [0; 3];
        for deed in tenants.chain(destinations) {
            counts[deed as usize] += 1;
        }
        counts
    }
}

impl TenantSteps {
    /// `None`: the tenant itself stays as it is.
    pub(super) fn deed(&self) -> Option<Deed> {
        match (self.judged.is_new(), self.judged.is_change()) {
            (true, _) => Some(Deed::Create),
            (false, true) => Some(Deed::Change),
            (false, false) => None,
        }
    }
}

/// Judges all that is wanted, and says what would change.
pub(crate) async fn plan(installation: &Installation, wanted: Wanted) -> anyhow::Result<Plan> {
    let mut plan = Plan { tenants: Vec::new(), destinations: Vec::new(), unset: Vec::new() };
    let mut faults = Vec::new();
    for tenant in wanted.tenants {
        match tenant_steps(installation, tenant, &mut plan.unset).await? {
            Ok(steps) => plan.tenants.push(steps),
            Err(Faults(found)) => faults.extend(found),
        }
    }
    let whose = Whose { tenant: None, prune: false };
    match destinations::steps(installation, &whose, wanted.destinations, &mut plan.unset).await? {
        Ok(steps) => plan.destinations = steps,
        Err(Faults(found)) => faults.extend(found),
    }
    if !faults.is_empty() {
        return Err(Faults(faults).into());
    }
    plan.unset.sort();
    plan.unset.dedup();
    Ok(plan)
}

/// The outer error is of the database, the inner one of the declaration.
async fn tenant_steps(
    installation: &Installation,
    mut wanted: WantedTenant,
    unset: &mut Vec<String>,
) -> anyhow::Result<Result<TenantSteps, Faults>> {
    let tenants = &installation.tenants;
    let found = tenants.by_slug(&wanted.slug).await?;
    let judged = match &found {
        Some(tenant) => {
            let own = &tenant.row.compatibility;
            if wanted.compatibility.as_ref().is_some_and(|wanted| wanted != own) {
                let problem = format!(
                    "compatibility: {} is {own}, and stays so: it is chosen when a tenant is made",
                    wanted.slug
                );
                return Ok(Err(wanted.place.fault_of(&problem).into()));
            }
            if wanted.prune {
                prune(tenant, &mut wanted);
            }
            tenants.judge(tenant, &wanted.declared).await
        }
        None => {
            let compatibility = wanted.compatibility.as_deref().unwrap_or("lenient");
            tenants.judge_new(&wanted.slug, compatibility, &wanted.declared).await
        }
    };
    let judged = match judged {
        Ok(judged) => Box::new(judged),
        Err(provisioning::configuration::ConfigurationError::Store(error)) => return Err(error.into()),
        Err(error) => return Ok(Err(wanted.fault(&error).into())),
    };
    let roles = tenants.roles_moved_by(&judged).await?;
    let fields = fields(&judged).await?;
    let whose = Whose { tenant: Some(&judged), prune: wanted.prune };
    let destinations = match destinations::steps(installation, &whose, wanted.destinations, unset).await? {
        Ok(steps) => steps,
        Err(faults) => return Ok(Err(faults)),
    };
    Ok(Ok(TenantSteps { slug: wanted.slug, judged, fields, roles, destinations }))
}

/// What is not declared is declared to be none.
fn prune(tenant: &Tenant, wanted: &mut WantedTenant) {
    for name in tenant.row.properties.keys() {
        wanted.declared.settings.properties.entry(name.clone()).or_insert(None);
    }
    for (name, _) in tenant.own_sets.iter() {
        wanted.declared.value_sets.entry(name.to_owned()).or_insert(None);
    }
}

async fn fields(judged: &Judged) -> anyhow::Result<Vec<Field>> {
    let (before, after) = (judged.before(), judged.after());
    let shown = |tenant: &Tenant, is_new: bool| if is_new { BTreeMap::new() } else { of_tenant(tenant) };
    let mut fields = differences(&shown(before, judged.is_new()), &shown(after, false));
    if !judged.is_new() && before.row.profile != after.row.profile {
        fields.push(Field {
            name: "profile".to_owned(),
            before: Some(json!(before.row.profile_name)),
            after: Some(json!(after.row.profile_name)),
            lines: compare(&before.row.profile, &after.row.profile).await?,
        });
    }
    if judged.is_new() {
        let profile = Some(json!(after.row.profile_name));
        fields.push(Field { name: "profile".to_owned(), before: None, after: profile, lines: None });
    }
    Ok(fields)
}

/// All that may be declared of a tenant but its profile, by name.
fn of_tenant(tenant: &Tenant) -> BTreeMap<String, Value> {
    let row: &TenantRow = &tenant.row;
    let mut all = BTreeMap::from([
        ("active".to_owned(), json!(tenant.is_active())),
        ("compatibility".to_owned(), json!(row.compatibility)),
        ("name".to_owned(), json!(row.name)),
    ]);
    let days = row.credential_days.map(|days| json!(Lifetime::from_days(days).to_string()));
    all.extend(days.map(|days| ("max-token-lifetime".to_owned(), days)));
    all.extend(row.organization.as_ref().map(|text| ("organization".to_owned(), json!(text))));
    all.extend(row.rate_limit.map(|rate| ("rate-limit".to_owned(), json!(rate))));
    all.extend(row.properties.iter().map(|(name, value)| (format!("properties.{name}"), json!(value))));
    let words = |allowed: &AllowedValue| match &allowed.label {
        None => allowed.value.clone(),
        Some(label) => format!("{} ({label})", allowed.value),
    };
    for (name, set) in tenant.own_sets.iter() {
        let values: Vec<String> = set.values().iter().map(words).collect();
        all.insert(format!("value-sets.{name}"), json!(values));
    }
    all
}

/// What differs, by name.
pub(super) fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<Field> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differing
        .map(|name| Field {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
            lines: None,
        })
        .collect()
}

/// What a kind is called.
pub(super) fn word(kind: DestinationKind) -> Value {
    json!(kind)
}

/// Why a declaration does not fit, as one error.
impl std::fmt::Display for Faults {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.0.len();
        write!(formatter, "nothing was applied: {count} fault{}", if count == 1 { "" } else { "s" })
    }
}

impl std::error::Error for Faults {}

/// Users of a tenant as a directory is told of them.
pub(super) fn users_of(tenant: &Tenant) -> Arc<scim_core::ResourceType> {
    tenant.profile.user.clone()
}

/// So that a fault can be given where all of them are.
impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Self(faults.into_iter().collect())
    }
}
