//! What a filter can name: every attribute of a type, by all its names.

use std::sync::Arc;

use scim_core::{
    ResourceType,
    path::Resolved,
    resource::AttrRef,
    schema::{self, Attribute, AttributeType, Mutability, Returned, Schema},
};
use store_testing::Dice;

/// Where an attribute is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Home {
    /// `id`, `meta`, `schemas`, `externalId`.
    Common,
    /// The core schema.
    Core,
    /// The enterprise extension.
    Enterprise,
    /// The tenant's own extension.
    Own,
}

/// An attribute that may be compared.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) home: Home,
    /// As named.
    pub(super) attr: AttrRef,
    /// What is compared: `value` where a complex attribute has one.
    pub(super) compared: AttrRef,
    /// Other ways to write it.
    names: Vec<String>,
}

impl Target {
    /// One of its names, in schema spelling more often than not.
    pub(super) fn name(&self, dice: &mut Dice) -> String {
        let name = if dice.chance(50) { self.attr.path() } else { dice.pick(&self.names).clone() };
        respelled(dice, name)
    }

    /// Holds parts and no `value`: it can only be there or not.
    pub(super) fn is_whole(&self) -> bool {
        self.compared.leaf().kind == AttributeType::Complex
    }

    /// May stand before brackets.
    pub(super) fn is_list(&self) -> bool {
        self.attr.sub.is_none() && self.attr.attribute.multi_valued
    }
}

/// A name whose case is another, sometimes.
pub(super) fn respelled(dice: &mut Dice, name: String) -> String {
    match dice.below(12) {
        0 => name.to_ascii_uppercase(),
        1 => name.to_ascii_lowercase(),
        _ => name,
    }
}

/// All targets of a type.
pub(super) fn targets(kind: &ResourceType) -> Vec<Target> {
    let mut all = Vec::new();
    for (home, schema, urn) in schemas(kind) {
        for attribute in schema.attributes.iter().filter(|attribute| is_shown(attribute)) {
            let top = AttrRef { extension: urn.clone(), attribute: attribute.clone(), sub: None };
            let subs = attribute.sub_attributes.iter().map(|sub| top.with_sub(sub));
            for attr in std::iter::once(top.clone()).chain(subs) {
                all.push(Target { home, names: names(kind, &attr), compared: compared(&attr), attr });
            }
        }
    }
    all
}

/// A schema, where it belongs, and its URN if it is an extension.
type Place<'a> = (Home, &'a Arc<Schema>, Option<Arc<str>>);

fn schemas(kind: &ResourceType) -> Vec<Place<'_>> {
    let own = [(Home::Common, &*schema::COMMON, None), (Home::Core, &kind.schema, None)];
    let extensions = kind.extensions.iter().map(|extension| {
        let is_enterprise = extension.schema.id == schema::ENTERPRISE_USER.id;
        let home = if is_enterprise { Home::Enterprise } else { Home::Own };
        (home, &extension.schema, Some(Arc::from(extension.schema.id.as_str())))
    });
    own.into_iter().chain(extensions).collect()
}

fn is_shown(attribute: &Attribute) -> bool {
    attribute.mutability != Mutability::WriteOnly && attribute.returned != Returned::Never
}

fn compared(attr: &AttrRef) -> AttrRef {
    match attr.attribute.sub("value") {
        Some(value) if attr.sub.is_none() => attr.with_sub(value),
        _ => attr.clone(),
    }
}

/// With and without URN, with aliases, with the dot that Entra writes after a URN, with `value` after a simple list.
fn names(kind: &ResourceType, attr: &AttrRef) -> Vec<String> {
    let local = AttrRef { extension: None, ..attr.clone() }.path();
    let urns = match &attr.extension {
        None => vec![kind.known.id.clone()],
        Some(urn) => {
            let extension = kind.extensions.iter().find(|extension| extension.schema.id == **urn);
            extension
                .into_iter()
                .flat_map(|extension| {
                    extension.urns(scim_core::leniency::Leniencies::LENIENT).map(str::to_owned)
                })
                .collect()
        }
    };
    let with_urn = urns.iter().flat_map(|urn| [format!("{urn}:{local}"), format!("{urn}.{local}")]);
    let all: Vec<String> = std::iter::once(local.clone()).chain(with_urn).collect();
    let with_value = all.iter().map(|name| format!("{name}.value"));
    let means_it = |name: &String| kind.resolve_in_query(name) == Resolved::Attribute(attr.clone());
    let names: Vec<String> = all.iter().cloned().chain(with_value).filter(means_it).collect();
    assert!(!names.is_empty(), "{local} has no name");
    names
}
