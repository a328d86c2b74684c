//! Changes of single values in a list, and what a list would do before it is saved.

use std::collections::HashMap;

use scim_core::{
    fold,
    roles::Role,
    schema::Attribute,
    value_set::{AllowedValue, ValueSet},
};
use store::groups::RoleChange;

use super::{
    ConfigurationError, Progress, Recheck, unfit,
    value_sets::{checked, declared},
};
use crate::{Rules, Tenant, TenantDirectory};

/// What is done to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueChange {
    /// A value comes after the last one.
    Add(AllowedValue),
    /// The value of this name becomes another one, or has another label; it keeps its place.
    Change(String, AllowedValue),
    /// The value of this name goes.
    Remove(String),
}

/// How two lists differ; values are the same in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueDifference {
    /// That come.
    pub added: Vec<AllowedValue>,
    /// That go.
    pub removed: Vec<AllowedValue>,
    /// That have another spelling or label: before and after.
    pub changed: Vec<(AllowedValue, AllowedValue)>,
    /// Do those that stay stand in another order?
    pub reordered: bool,
}

impl ValueDifference {
    /// From one list to another.
    #[must_use]
    pub fn of(old: &[AllowedValue], new: &[AllowedValue]) -> Self {
        let by_key = |values: &[AllowedValue]| -> HashMap<String, AllowedValue> {
            values.iter().map(|one| (fold(one.value.trim()), one.clone())).collect()
        };
        let (before, after) = (by_key(old), by_key(new));
        let mut found = Self::default();
        for value in new {
            match before.get(&fold(value.value.trim())) {
                None => found.added.push(value.clone()),
                Some(old) if old != value => found.changed.push((old.clone(), value.clone())),
                Some(_) => {}
            }
        }
        found.removed =
            old.iter().filter(|one| !after.contains_key(&fold(one.value.trim()))).cloned().collect();
        let stay = |values: &[AllowedValue], others: &HashMap<String, AllowedValue>| -> Vec<String> {
            values.iter().map(|one| fold(one.value.trim())).filter(|key| others.contains_key(key)).collect()
        };
        found.reordered = stay(old, &after) != stay(new, &before);
        found
    }

    /// Nothing differs?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What would happen if a list were saved. Nothing has.
#[derive(Clone, Debug)]
pub struct ValueSetPreview {
    /// From the list that holds.
    pub difference: ValueDifference,
    /// Roles that people would gain or lose.
    pub roles: Vec<RoleChange>,
    /// Who would no longer fit. They would stay as they are.
    pub people: Recheck,
}

/// Where a list is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSetUse {
    /// The attribute of this path has its values.
    Attribute(String),
    /// It holds the roles that groups give.
    Roles,
    /// It holds the choices for the organization.
    Organization,
}

impl Tenant {
    /// The list that holds for the tenant after one change; the error names the field.
    pub fn with_value(
        &self,
        name: &str,
        change: &ValueChange,
    ) -> Result<Vec<AllowedValue>, ConfigurationError> {
        declared(&self.profile, name)?;
        let holds = self.value_sets.get(name).map(ValueSet::values);
        let mut values = holds.unwrap_or_default().to_vec();
        let place = |values: &[AllowedValue], wanted: &str| {
            values.iter().position(|one| fold(&one.value) == fold(wanted.trim()))
        };
        let unknown =
            |value: &str| unfit(format!("value: {value:?} is not in the list; load the page again"));
        match change {
            ValueChange::Add(value) => {
                if place(&values, &value.value).is_some() {
                    return unfit(format!("value: {:?} is in the list already", value.value.trim()));
                }
                values.push(value.clone());
            }
            ValueChange::Change(value, to) => {
                let Some(at) = place(&values, value) else { return unknown(value) };
                if place(&values, &to.value).is_some_and(|other| other != at) {
                    return unfit(format!("value: {:?} is in the list already", to.value.trim()));
                }
                if let Some(place) = values.get_mut(at) {
                    *place = to.clone();
                }
            }
            ValueChange::Remove(value) => {
                let Some(at) = place(&values, value) else { return unknown(value) };
                values.remove(at);
            }
        }
        Ok(checked(values)?.values().to_vec())
    }

    /// Where the tenant's profile uses a list.
    #[must_use]
    pub fn uses_of(&self, name: &str) -> Vec<ValueSetUse> {
        let profile = &self.profile;
        let mut uses = Vec::new();
        let schemas = profile.user.extensions.iter().map(|one| (one.schema.id.as_str(), &one.schema));
        for (urn, schema) in std::iter::once(("", &profile.user.schema)).chain(schemas) {
            let mark = if urn.is_empty() { "" } else { ":" };
            for attribute in &schema.attributes {
                let path = format!("{urn}{mark}{}", attribute.name);
                if uses_set(attribute, name) {
                    uses.push(ValueSetUse::Attribute(path.clone()));
                }
                let subs = attribute.sub_attributes.iter().filter(|sub| uses_set(sub, name));
                uses.extend(subs.map(|sub| ValueSetUse::Attribute(format!("{path}.{}", sub.name))));
            }
        }
        if profile.roles.catalogue.as_deref() == Some(name) {
            uses.push(ValueSetUse::Roles);
        }
        if profile.organization.as_ref().is_some_and(|one| one.value_set.as_deref() == Some(name)) {
            uses.push(ValueSetUse::Organization);
        }
        uses
    }
}

fn uses_set(attribute: &Attribute, name: &str) -> bool {
    attribute.constraint.as_ref().is_some_and(|one| one.value_set.as_deref() == Some(name))
}

impl TenantDirectory {
    /// What would happen if these values became the tenant's list of that name (`None`: its list were taken away). At
    /// most `limit` users are looked at (`None`: all).
    pub async fn preview_value_set(
        &self,
        tenant: &Tenant,
        name: &str,
        values: Option<Vec<AllowedValue>>,
        limit: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<ValueSetPreview, ConfigurationError> {
        declared(&tenant.profile, name)?;
        let mut own = tenant.own_sets.as_ref().clone();
        match values {
            Some(values) => own.insert(name, checked(values)?),
            None => own.remove(name),
        }
        let profile = &tenant.profile;
        let sets = profile.value_sets_of(&own);
        fn of<'a>(sets: &'a scim_core::value_set::ValueSets, name: &str) -> &'a [AllowedValue] {
            sets.get(name).map(ValueSet::values).unwrap_or_default()
        }
        let difference = ValueDifference::of(of(&tenant.value_sets, name), of(&sets, name));
        let mut roles = Vec::new();
        if profile.roles.catalogue.as_deref() == Some(name) {
            let roles_of = |display: &str, external_id: Option<&str>| -> Vec<Role> {
                profile.roles_of_group(&sets, display, external_id)
            };
            roles = self.store().tenant(tenant.id()).preview_roles(&roles_of).await?;
        }
        let rules = Rules { profile, value_sets: &sets };
        let people = self.recheck_from(tenant, rules, None, limit, progress).await?;
        Ok(ValueSetPreview { difference, roles, people })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_differ_by_value_and_label() {
        let value = |value: &str, label: Option<&str>| AllowedValue {
            value: value.to_owned(),
            label: label.map(str::to_owned),
        };
        let old = [value("a", None), value("b", Some("B")), value("c", None)];
        let new = [value("c", None), value("B", Some("B")), value("d", None)];
        let found = ValueDifference::of(&old, &new);
        assert_eq!(found.added, [value("d", None)]);
        assert_eq!(found.removed, [value("a", None)]);
        assert_eq!(found.changed, [(value("b", Some("B")), value("B", Some("B")))]);
        assert!(found.reordered && !found.is_empty());
        assert!(ValueDifference::of(&old, &old).is_empty());
        assert!(!ValueDifference::of(&old, &old[..2]).reordered, "what goes is no other order");
    }
}
