//! From `[resource-types] roles` and `entitlements` to what identity providers can assign.

use std::{ops::Range, sync::Arc};

use toml::Spanned;

use super::{
    compile::Fault,
    constraints::{self, Named},
    file::ProfileFile,
};
use crate::{
    catalogue::{Catalogue, CatalogueKind},
    constraint::Constraint,
    resource::ResourceType,
    roles::RoleMapping,
};

/// What a file offers, each with the place of its switch.
pub(super) fn catalogues(
    file: &ProfileFile,
    named: &Named<'_>,
) -> Result<Vec<(Catalogue, Range<usize>)>, Fault> {
    let entitlements = file.entitlements.as_ref().map(|entitlements| &entitlements.catalogue);
    if let Some(name) = entitlements {
        named.value_set(name)?;
    }
    let switches = [
        (CatalogueKind::Role, &file.resource_types.roles, file.roles.catalogue.as_ref()),
        (CatalogueKind::Entitlement, &file.resource_types.entitlements, entitlements),
    ];
    let mut offered = Vec::new();
    for (kind, switch, value_set) in switches {
        if !switch.get_ref() {
            continue;
        }
        let table = kind.attribute();
        let value_set = value_set.ok_or_else(|| {
            let problem = format!("offers a list to be assigned; name its value set in [{table}] catalogue");
            Fault::at(switch, problem)
        })?;
        offered.push((Catalogue { kind, value_set: value_set.get_ref().clone() }, switch.span()));
    }
    Ok(offered)
}

/// Lets the attribute of users hold what the catalogue has, and no protected role.
pub(super) fn constrain(
    user: &mut ResourceType,
    catalogue: &Catalogue,
    switch: &Range<usize>,
    roles: &RoleMapping,
) -> Result<(), Fault> {
    let path = Spanned::new(switch.clone(), format!("{}.value", catalogue.kind.attribute()));
    let target = constraints::offered(user, &path)?;
    if target.leaf().constraint.is_some() {
        let problem = format!(
            "{} is constrained already; the catalogue says what it holds, so remove its [[attribute]]",
            path.get_ref()
        );
        return Err(Fault::at(&path, problem));
    }
    let withheld = match catalogue.kind {
        CatalogueKind::Role => roles.protected_keys().map(str::to_owned).collect(),
        CatalogueKind::Entitlement => Default::default(),
    };
    let value_set = Some(catalogue.value_set.clone());
    let constraint = Some(Arc::new(Constraint { value_set, withheld, ..Constraint::default() }));
    constraints::change(user, &path, &target, &mut |attribute| attribute.constraint.clone_from(&constraint))
}
