//! A tenant's configuration as a whole, as somebody declares it: judged together, then put in place at once or not at all.

use std::{collections::BTreeMap, sync::Arc};

use scim_core::value_set::{AllowedValue, ValueSet};
use store::{
    ChangeContext, StoreError, TenantId,
    groups::RoleChange,
    tenants::{Configuration, Configured, NewProfile, NewTenant, TenantSettings, TenantStatus},
};

use super::{
    ConfigurationError,
    profiles::Draft,
    protecting,
    settings::{Setting, check_each, spelled},
    unfit,
    value_sets::{check_total, checked, declared},
};
use crate::{
    ProfileSource, Tenant, TenantDirectory,
    attempts::whole,
    directory::{check_new, unsaved},
};

/// What somebody declares of a tenant; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Name, organization, properties, limits, status.
    pub settings: TenantSettings,
    /// Text of its profile; a new tenant needs one.
    pub profile: Option<String>,
    /// Its lists by name; `None`: it has none of its own.
    pub value_sets: BTreeMap<String, Option<Vec<AllowedValue>>>,
    /// Is it to have no properties and lists but these?
    pub prune: bool,
}

/// What came of judging a declaration.
#[derive(Debug)]
pub struct Verdict {
    /// As it would be without what does not fit; `None`: there is no profile by which it could be judged.
    pub judged: Option<Box<Judged>>,
    /// All that does not fit.
    pub faults: Vec<ConfigurationError>,
}

impl Verdict {
    /// What fits as a whole, or the first fault.
    pub fn fit(self) -> Result<Judged, ConfigurationError> {
        match (self.faults.into_iter().next(), self.judged) {
            (None, Some(judged)) => Ok(*judged),
            (Some(fault), _) => Err(fault),
            (None, None) => unfit(NO_PROFILE),
        }
    }

    fn unjudged(fault: ConfigurationError) -> Result<Self, StoreError> {
        match fault {
            ConfigurationError::Store(error) => Err(error),
            fault => Ok(Self { judged: None, faults: vec![fault] }),
        }
    }
}

const NO_PROFILE: &str = "profile: a new tenant needs one; name one that ships, or a file";

/// A declaration that fits, and the tenant as it would be. Nothing has happened.
#[derive(Clone, Debug)]
pub struct Judged {
    before: Tenant,
    after: Tenant,
    new: Option<NewTenant>,
    /// What differs of them.
    settings: TenantSettings,
    value_sets: Vec<(String, Option<ValueSet>)>,
    draft: Draft,
    changes_roles: bool,
}

impl Judged {
    /// The tenant as it is; of one that is to be made as it would be without what is declared.
    #[must_use]
    pub fn before(&self) -> &Tenant {
        &self.before
    }

    /// The tenant as it would be.
    #[must_use]
    pub fn after(&self) -> &Tenant {
        &self.after
    }

    /// Is the tenant to be made?
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.new.is_some()
    }

    /// Would anything change?
    #[must_use]
    pub fn is_change(&self) -> bool {
        let same = TenantSettings { checked_by: self.settings.checked_by, ..TenantSettings::default() };
        self.is_new() || self.has_new_profile() || !self.value_sets.is_empty() || self.settings != same
    }

    fn has_new_profile(&self) -> bool {
        self.before.row.profile_version != self.after.row.profile_version
    }
}

impl TenantDirectory {
    /// Judges what is declared of a tenant: settings by the profile and the lists that are declared with them. What is so
    /// already is no change, also where it would not be taken any more. Errors of lists begin with `value-sets.NAME: `.
    pub async fn judge(&self, tenant: &Tenant, declared: &Declared) -> Result<Verdict, StoreError> {
        judged(tenant.clone(), None, declared).await
    }

    /// Judges what is declared of a tenant that is to be made, with this compatibility.
    pub async fn judge_new(
        &self,
        slug: &str,
        compatibility: &str,
        declared: &Declared,
    ) -> Result<Verdict, StoreError> {
        let Some(profile) = &declared.profile else {
            return Verdict::unjudged(ConfigurationError::Unfit(NO_PROFILE.to_owned()));
        };
        let source = ProfileSource::Text(profile);
        match check_new(slug, declared.settings.name.as_deref(), source, compatibility, false).await {
            Err(fault) => Verdict::unjudged(fault),
            Ok(_) if self.store().platform().owner_of_slug(slug).await?.is_some() => {
                Verdict::unjudged(ConfigurationError::Unfit(taken(slug)))
            }
            Ok(new) => judged(unsaved(&new).await?, Some(new), declared).await,
        }
    }

    /// The roles that people would gain or lose; refused where nobody would have a protected one any more.
    pub async fn roles_moved_by(&self, judged: &Judged) -> Result<Vec<RoleChange>, ConfigurationError> {
        if judged.is_new() || !judged.changes_roles {
            return Ok(Vec::new());
        }
        let terms = protecting(&judged.before, judged.after.profile.roles.protected_keys());
        let scope = self.store().tenant(judged.before.id()).under(terms);
        Ok(scope.preview_roles(&judged.draft.roles_of()).await?)
    }

    /// Puts what was judged in place, in one transaction; makes the tenant, if it is new. Nothing is done when somebody else
    /// has changed the tenant since it was judged. Where the profile compares or indexes values otherwise, users are made anew
    /// afterwards: see [`Self::reindex`].
    pub async fn put(
        &self,
        judged: &Judged,
        context: &ChangeContext,
    ) -> Result<(TenantId, Configured), ConfigurationError> {
        let roles_of = judged.draft.roles_of();
        let (before, after) = (&judged.before, &judged.after);
        let moved = judged.changes_roles && !judged.is_new();
        let roles_of = moved.then_some(&roles_of as store::groups::RolesOf<'_>);
        let configuration = || Configuration {
            settings: judged.settings.clone(),
            profile: judged.has_new_profile().then(|| NewProfile {
                expected_version: before.row.profile_version,
                profile_name: &after.row.profile_name,
                text: &after.row.profile,
                roles_of,
                new_layout: scim_core::search::layout(&after.profile.user)
                    != scim_core::search::layout(&before.profile.user),
            }),
            value_sets: judged.value_sets.iter().map(|(name, set)| (name.as_str(), set.as_ref())).collect(),
            roles_of,
        };
        if let Some(new) = &judged.new {
            let platform = self.store().platform();
            return match platform.create_configured_tenant(new, &configuration(), context).await {
                Ok(row) => Ok((row.id, Configured { profile_version: 1, ..Configured::default() })),
                Err(StoreError::Conflict { .. }) => unfit(taken(&new.slug)),
                Err(error) => Err(error.into()),
            };
        }
        let terms = protecting(before, after.profile.roles.protected_keys());
        let scope = self.store().tenant(before.id()).under(terms);
        match whole(|| async { scope.configure(&configuration(), context).await }).await {
            Err(StoreError::Stale) => unfit(format!(
                "slug: somebody else has changed {} meanwhile; look at the plan again",
                before.row.slug
            )),
            outcome => Ok((before.id(), outcome?)),
        }
    }
}

fn taken(slug: &str) -> String {
    format!(
        "slug: {slug:?} was a tenant's that was deleted; slugs are never reused, so restore it or choose another"
    )
}

async fn judged(before: Tenant, new: Option<NewTenant>, wanted: &Declared) -> Result<Verdict, StoreError> {
    let mut after = before.clone();
    let mut faults = Vec::new();
    if let Some(text) = wanted.profile.as_ref().filter(|text| **text != before.row.profile) {
        let draft = match Draft::of(&before, text).await {
            Ok(draft) => draft,
            Err(fault) => return Verdict::unjudged(fault),
        };
        after.row.profile.clone_from(text);
        after.row.profile_name.clone_from(&draft.profile.name);
        after.row.profile_version += 1;
        after.profile = Arc::new(draft.profile);
    }
    let (mut own, value_sets) =
        (before.own_sets.as_ref().clone(), differing_sets(&after, wanted, &mut faults));
    for (name, set) in &value_sets {
        match set {
            Some(set) => own.insert(name, set.clone()),
            None => own.remove(name),
        }
    }
    let total = check_total(&before.own_sets, &own).map_err(|error| within("value-sets", error));
    faults.extend(total.err());
    let mut after = Tenant::new(after.row, after.profile, Arc::new(own));
    let wanted = resolved(&after, wanted);
    let (checked, found) = check_each(&after, &wanted);
    let known = if found.is_empty() { Vec::new() } else { check_each(&before, &wanted).1 };
    faults.extend(found.into_iter().filter_map(|(setting, fault)| {
        let is_known = known.iter().any(|(other, _)| *other == setting);
        (!is_known || !stays(&before, &wanted, &setting)).then_some(fault)
    }));
    let settings = what_differs(&before, checked);
    lay_over(&mut after, &settings);
    let draft =
        Draft { profile: after.profile.as_ref().clone(), value_sets: after.value_sets.as_ref().clone() };
    let changes_roles = draft.changes_roles(&before);
    let judged = Judged { before, after, new, settings, value_sets, draft, changes_roles };
    Ok(Verdict { judged: Some(Box::new(judged)), faults })
}

/// The lists that are not so already, as the profile of this tenant takes them.
fn differing_sets(
    tenant: &Tenant,
    wanted: &Declared,
    faults: &mut Vec<ConfigurationError>,
) -> Vec<(String, Option<ValueSet>)> {
    let own = &tenant.own_sets;
    let mut lists = wanted.value_sets.clone();
    if wanted.prune {
        for (name, _) in own.iter() {
            lists.entry(name.to_owned()).or_insert(None);
        }
    }
    let mut differing = Vec::new();
    for (name, values) in lists {
        if values.is_some() && own.get(&name).map(ValueSet::values) == values.as_deref() {
            continue;
        }
        let set = match values {
            Some(values) => set_of(tenant, &name, &values).map(Some),
            // A list that an earlier profile declared may be taken away, too.
            None if own.get(&name).is_some() => Ok(None),
            None => declared(&tenant.profile, &name)
                .map(|()| None)
                .map_err(|error| within(&format!("value-sets.{name}"), error)),
        };
        match set {
            Ok(set) if own.get(&name) == set.as_ref() => {}
            Ok(set) => differing.push((name, set)),
            Err(fault) => faults.push(fault),
        }
    }
    differing
}

/// Properties as the profile of this tenant spells them, and with those that are to go.
fn resolved(tenant: &Tenant, wanted: &Declared) -> TenantSettings {
    let spell = |name: &str| spelled(tenant, name).unwrap_or(name).to_owned();
    let properties = wanted.settings.properties.iter();
    let mut properties: BTreeMap<String, Option<String>> =
        properties.map(|(name, value)| (spell(name), value.clone())).collect();
    if wanted.prune {
        for name in tenant.row.properties.keys() {
            properties.entry(name.clone()).or_insert(None);
        }
    }
    TenantSettings { properties, ..wanted.settings.clone() }
}

/// Is it declared to be as it is?
fn stays(tenant: &Tenant, wanted: &TenantSettings, setting: &Setting) -> bool {
    let row = &tenant.row;
    match setting {
        Setting::Name => wanted.name.as_ref().is_none_or(|name| *name == row.name),
        // Which of both is needed depends on the other.
        Setting::Organization | Setting::Status => {
            wanted.organization.as_ref().is_none_or(|text| *text == row.organization)
                && wanted.status.is_none_or(|status| status == row.status)
        }
        Setting::CredentialDays => wanted.credential_days.is_none_or(|days| days == row.credential_days),
        Setting::RateLimit => wanted.rate_limit.is_none_or(|rate| rate == row.rate_limit),
        Setting::Property(name) => {
            wanted.properties.get(name).is_some_and(|value| value.as_ref() == row.properties.get(name))
        }
    }
}

/// The set of these values, as the profile takes it.
fn set_of(tenant: &Tenant, name: &str, values: &[AllowedValue]) -> Result<ValueSet, ConfigurationError> {
    let set = declared(&tenant.profile, name).and_then(|()| checked(values.to_vec()));
    set.map_err(|error| within(&format!("value-sets.{name}"), error))
}

fn within(field: &str, error: ConfigurationError) -> ConfigurationError {
    match error {
        ConfigurationError::Unfit(text) => ConfigurationError::Unfit(format!("{field}: {text}")),
        other => other,
    }
}

/// Without what is so already.
fn what_differs(before: &Tenant, mut settings: TenantSettings) -> TenantSettings {
    let row = &before.row;
    settings.name = settings.name.filter(|name| *name != row.name);
    settings.organization = settings.organization.filter(|text| *text != row.organization);
    settings.credential_days = settings.credential_days.filter(|days| *days != row.credential_days);
    settings.rate_limit = settings.rate_limit.filter(|rate| *rate != row.rate_limit);
    settings.status = settings.status.filter(|status| *status != row.status);
    settings.properties.retain(|name, value| row.properties.get(name) != value.as_ref());
    settings
}

/// The tenant with these settings.
fn lay_over(tenant: &mut Tenant, settings: &TenantSettings) {
    let row = &mut tenant.row;
    row.name.clone_from(settings.name.as_ref().unwrap_or(&row.name.clone()));
    row.organization = settings.organization.clone().unwrap_or_else(|| row.organization.clone());
    row.credential_days = settings.credential_days.unwrap_or(row.credential_days);
    row.rate_limit = settings.rate_limit.unwrap_or(row.rate_limit);
    row.status = settings.status.unwrap_or(row.status);
    row.gate_open |= settings.status == Some(TenantStatus::Active);
    for (name, value) in &settings.properties {
        match value {
            Some(value) => row.properties.insert(name.clone(), value.clone()),
            None => row.properties.remove(name),
        };
    }
}
