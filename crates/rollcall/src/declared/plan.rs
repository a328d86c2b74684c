//! What a declaration would change, field by field. Everything is judged before anything is done.

use std::collections::BTreeMap;

use provisioning::{
    Tenant,
    configuration::{ConfigurationError, DiffLine, Judged, compare},
};
use scim_core::value_set::AllowedValue;
use serde_json::{Value, json};
use store::{destinations::DestinationKind, groups::RoleChange, tenants::TenantRow};
use token_service::Lifetime;

use super::{
    destinations::{self, DestinationStep, Whose},
    read::{Wanted, WantedTenant},
    show::{destination_name, tenant_name},
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
    /// What would be done, in the order in which it would.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for tenant in &self.tenants {
            names.extend(tenant.deed().map(|_| tenant_name(&tenant.slug)));
            names.extend(
                tenant.destinations.iter().map(|step| destination_name(&step.name, Some(&tenant.slug))),
            );
        }
        names.extend(self.destinations.iter().map(|step| destination_name(&step.name, None)));
        names
    }

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
        let steps = tenant_steps(installation, tenant, &mut plan.unset, &mut faults).await?;
        plan.tenants.extend(steps);
    }
    let (steps, found) =
        destinations::steps(installation, &Whose::Installation, wanted.destinations, &mut plan.unset).await?;
    plan.destinations = steps;
    faults.extend(found);
    if !faults.is_empty() {
        return Err(Faults(faults).into());
    }
    plan.unset.sort();
    plan.unset.dedup();
    Ok(plan)
}

/// `None`: there is no profile by which it could be judged, as one of the faults says.
async fn tenant_steps(
    installation: &Installation,
    wanted: WantedTenant,
    unset: &mut Vec<String>,
    faults: &mut Vec<Fault>,
) -> anyhow::Result<Option<TenantSteps>> {
    let tenants = &installation.tenants;
    let found = tenants.by_slug(&wanted.slug).await?;
    let verdict = match &found {
        Some(tenant) => {
            let own = &tenant.row.compatibility;
            if wanted.compatibility.as_ref().is_some_and(|wanted| wanted != own) {
                let problem = format!(
                    "compatibility: {} is {own}, and stays so: it is chosen when a tenant is made",
                    wanted.slug
                );
                faults.push(wanted.place.fault_of(&problem));
            }
            tenants.judge(tenant, &wanted.declared).await?
        }
        None => {
            let compatibility = wanted.compatibility.as_deref().unwrap_or("lenient");
            tenants.judge_new(&wanted.slug, compatibility, &wanted.declared).await?
        }
    };
    faults.extend(verdict.faults.iter().map(|error| wanted.fault(error)));
    let mut roles = Vec::new();
    if let Some(judged) = &verdict.judged {
        match tenants.roles_moved_by(judged).await {
            Ok(moved) => roles = moved,
            Err(ConfigurationError::Store(error)) => return Err(error.into()),
            Err(error) => faults.push(wanted.fault(&error)),
        }
    }
    let whose = Whose::Tenant {
        id: found.as_ref().map(|tenant| tenant.id()),
        users: verdict.judged.as_ref().map(|judged| judged.after().profile.user.clone()),
        prune: wanted.declared.prune,
    };
    let (destinations, unfit) = destinations::steps(installation, &whose, wanted.destinations, unset).await?;
    faults.extend(unfit);
    let Some(judged) = verdict.judged else { return Ok(None) };
    let fields = fields(&judged).await?;
    Ok(Some(TenantSteps { slug: wanted.slug, judged, fields, roles, destinations }))
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
    for (name, set) in tenant.own_sets.iter() {
        let values: Vec<Value> = set.values().iter().map(value_json).collect();
        all.insert(format!("value-sets.{name}"), json!(values));
    }
    all
}

/// A value as a declaration has it.
fn value_json(allowed: &AllowedValue) -> Value {
    match &allowed.label {
        None => json!(allowed.value),
        Some(label) => json!({"value": allowed.value, "label": label}),
    }
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

/// So that a fault can be given where all of them are.
impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Self(faults.into_iter().collect())
    }
}
