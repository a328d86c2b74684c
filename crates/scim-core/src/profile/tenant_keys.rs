//! From `[[value-set]]`, `[roles]`, `[people]`, `[organization]`, `[[gate]]` and `[policies]` to what a tenant is made of.

use std::{collections::HashSet, sync::Arc};

use toml::Spanned;

use super::{
    DeletePolicy, Gate, Organization, People, Policies, ValueSetDeclaration,
    compile::Fault,
    constraints::Named,
    file::{AllowedFile, GateFile, OrganizationFile, PeopleFile, RoleRuleFile, RolesFile, ValueSetFile},
};
use crate::{
    fold::fold,
    roles::{RoleMapping, RoleRule},
    value_set::{AllowedValue, ValueSet},
};

/// Longest retention of a soft-deleted user, in days.
const MAX_RETENTION: u32 = 3650;

/// Longest name of a page or a list, in characters.
const LONGEST_LABEL: usize = 40;

/// The value sets that a file declares.
pub(super) fn value_sets(files: Vec<ValueSetFile>) -> Result<Vec<ValueSetDeclaration>, Fault> {
    let mut compiled: Vec<ValueSetDeclaration> = Vec::with_capacity(files.len());
    for file in files {
        check_key(&file.name)?;
        if compiled.iter().any(|earlier| earlier.name == *file.name.get_ref()) {
            return Err(Fault::at(&file.name, "is declared twice; remove one"));
        }
        let values = file.values.map(|values| ValueSet::new(values.into_iter().map(allowed)));
        if values.as_ref().is_some_and(|values| values.values().is_empty()) {
            return Err(Fault::at(&file.name, "has an empty list of values; leave values out, or fill it"));
        }
        compiled.push(ValueSetDeclaration {
            name: file.name.into_inner(),
            title: file.title,
            required: file.required,
            values: values.map(Arc::new),
        });
    }
    Ok(compiled)
}

fn allowed(file: AllowedFile) -> AllowedValue {
    match file {
        AllowedFile::Text(value) => AllowedValue { value, label: None },
        AllowedFile::Labelled { value, label } => AllowedValue { value, label: Some(label) },
    }
}

/// Names that people type on a command line.
fn check_key(name: &Spanned<String>) -> Result<(), Fault> {
    let text = name.get_ref();
    let good = |ch: char| ch.is_ascii_alphanumeric() || ch == '-' || ch == '_';
    if text.is_empty() || text.len() > 64 || !text.chars().all(good) {
        return Err(Fault::at(name, "must be 1 to 64 letters, digits, - or _"));
    }
    Ok(())
}

/// The role mapping of a file.
pub(super) fn roles(file: &RolesFile, named: &Named<'_>) -> Result<RoleMapping, Fault> {
    let rules = file.rules.iter().map(role_rule).collect::<Result<Vec<_>, _>>()?;
    if let Some(name) = &file.catalogue {
        named.value_set(name)?;
    }
    Ok(RoleMapping {
        prefix: file.prefix.as_ref().map(|prefix| prefix.get_ref().clone()),
        catalogue: file.catalogue.as_ref().map(|name| name.get_ref().clone()),
        unmatched_group: file.unmatched_group,
        rules,
        matches: file.matches,
        unlisted: file.unlisted,
        protected: file.protected.iter().map(|role| fold(role.get_ref().trim())).collect(),
    })
}

fn role_rule(file: &RoleRuleFile) -> Result<RoleRule, Fault> {
    let role = file.role.as_ref().map(|role| role.get_ref().trim().to_owned());
    let parts = [&file.prefix, &file.pattern, &file.group, &file.external_id];
    let place = parts.into_iter().flatten().chain(&file.role).next();
    let fault = |problem: &str| match place {
        Some(place) => Fault::at(place, problem),
        None => Fault { offset: 0, problem: format!("[[roles.rule]] {problem}") },
    };
    if parts.into_iter().flatten().count() != 1 {
        return Err(fault("a rule must have exactly one of prefix, pattern, group and external-id"));
    }
    if role.as_ref().is_some_and(String::is_empty) {
        return Err(fault("gives an empty role; write its name, or leave role out"));
    }
    let named = || role.clone().ok_or_else(|| fault("gives no role; add role = \"…\""));
    if let Some(prefix) = &file.prefix {
        if prefix.get_ref().is_empty() {
            return Err(fault("an empty prefix would make a role of every group; write one"));
        }
        return Ok(RoleRule::Prefix(prefix.get_ref().as_str().into(), role));
    }
    if let Some(pattern) = &file.pattern {
        return RoleRule::pattern(pattern.get_ref(), role.as_deref())
            .map_err(|problem| Fault::at(pattern, problem));
    }
    if let Some(group) = &file.group {
        return Ok(RoleRule::Group(fold(group.get_ref().trim()), named()?));
    }
    match &file.external_id {
        Some(id) => Ok(RoleRule::ExternalId(id.get_ref().clone(), named()?)),
        None => Err(fault("names no group")),
    }
}

/// The organization of a file.
pub(super) fn organization(file: OrganizationFile, named: &Named<'_>) -> Result<Organization, Fault> {
    if let Some(name) = &file.value_set {
        named.value_set(name)?;
    }
    Ok(Organization {
        title: file.title,
        required: file.required,
        value_set: file.value_set.map(Spanned::into_inner),
    })
}

/// The gates of a file.
pub(super) fn gates(files: Vec<GateFile>) -> Result<Vec<Gate>, Fault> {
    let mut names = HashSet::new();
    let mut compiled = Vec::with_capacity(files.len());
    for file in files {
        check_key(&file.name)?;
        if !names.insert(file.name.get_ref().clone()) {
            return Err(Fault::at(&file.name, "is there twice; remove one"));
        }
        if let Some(value) = file.opens.iter().find(|value| !file.values.contains(value.get_ref())) {
            return Err(Fault::at(value, "is none of values; add it there"));
        }
        if file.opens.is_empty() {
            return Err(Fault::at(&file.name, "never opens; name a value in opens"));
        }
        compiled.push(Gate {
            name: file.name.into_inner(),
            title: file.title,
            values: file.values,
            opens: file.opens.into_iter().map(Spanned::into_inner).collect(),
        });
    }
    Ok(compiled)
}

/// What a file calls the product's users.
pub(super) fn people(file: PeopleFile) -> Result<People, Fault> {
    Ok(People { active: label(file.active)?, inactive: label(file.inactive)? })
}

/// A few words that the console shows as the name of a page or a list.
pub(super) fn label(text: Spanned<String>) -> Result<String, Fault> {
    let length = text.get_ref().trim().chars().count();
    if length == 0 || length > LONGEST_LABEL || text.get_ref().chars().any(char::is_control) {
        let problem = format!("is shown in the console as a name; write 1 to {LONGEST_LABEL} characters");
        return Err(Fault::at(&text, problem));
    }
    Ok(text.get_ref().trim().to_owned())
}

/// Policies that go together.
pub(super) fn check_policies(policies: &Spanned<Policies>) -> Result<(), Fault> {
    let wanted = policies.get_ref();
    if let Some(days) = wanted.retention_days {
        if wanted.delete != DeletePolicy::SoftDelete {
            let problem =
                "retention-days has a meaning only with delete = \"soft-delete\"; remove one of them";
            return Err(Fault::at(policies, problem));
        }
        if days == 0 || days > MAX_RETENTION {
            return Err(Fault::at(policies, format!("retention-days must be from 1 to {MAX_RETENTION}")));
        }
    }
    if wanted.relink_on_return && wanted.delete != DeletePolicy::SoftDelete {
        let problem = "relink-on-return has a meaning only with delete = \"soft-delete\"; remove one of them";
        return Err(Fault::at(policies, problem));
    }
    Ok(())
}
