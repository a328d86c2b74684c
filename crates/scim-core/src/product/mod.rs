//! What a product's profile adds to a resource type: other names, attributes that are dropped, rules.

mod alias;
mod condition;
mod facts;
mod places;
mod rules;
#[cfg(test)]
mod tests;
mod values;

use crate::{
    path::Resolved,
    resource::{AttrRef, ResourceType},
};

pub use alias::rewrite_patch;
pub(crate) use alias::{Aliased, apply_aliases};
pub use condition::{Condition, MAX_CONDITION, MAX_RULE_ELEMENTS};
pub(crate) use rules::check_rules;
pub use rules::{Demand, NotApplicable, Rule, WhenNotApplicable};
pub(crate) use values::{check_values, prepare};

/// What a profile adds to a resource type.
#[derive(Clone, Debug, Default)]
pub struct Product {
    /// Other names of attributes.
    pub aliases: Vec<Alias>,
    /// Names that are taken and dropped wherever they stand, as if SCIM knew them; compared without case.
    pub dropped: Vec<String>,
    /// Attributes that do not apply to some resources.
    pub not_applicable: Vec<NotApplicable>,
    /// Rules in order.
    pub rules: Vec<Rule>,
}

/// Another name of an attribute, at the top level and within extensions: guides name what their identity provider's
/// screen shows (`email`, `primaryPhone`).
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The other name.
    pub name: String,
    /// What it means; of a list of complex values the sub-attribute of the primary element.
    pub target: AttrRef,
}

impl Alias {
    /// Whether it means the primary element of a list.
    fn is_of_list(&self) -> bool {
        self.target.attribute.multi_valued && self.target.sub.is_some()
    }
}

impl Product {
    /// The alias of a name, compared without case.
    #[must_use]
    pub fn alias(&self, name: &str) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.name.eq_ignore_ascii_case(name))
    }

    fn drops(&self, name: &str) -> bool {
        self.dropped.iter().any(|dropped| dropped.eq_ignore_ascii_case(name))
    }
}

impl ResourceType {
    /// The alias that a key means at the top level of a body, or in the object of an extension. What is on offer under
    /// its own name there is no alias.
    pub(crate) fn alias_at(&self, extension: Option<usize>, key: &str) -> Option<&Alias> {
        let alias = self.product.alias(key)?;
        let taken = match extension {
            None => self.schema.attribute(key).is_some(),
            Some(index) => self.extensions.get(index).is_some_and(|ext| ext.schema.attribute(key).is_some()),
        };
        (!taken).then_some(alias)
    }

    /// The alias that a whole path means: `email`, or `URN:email` with the URN of the core schema or of an extension.
    pub(crate) fn alias_of_path(&self, path: &str) -> Option<&Alias> {
        let (extension, name) = self.split_known(path)?;
        self.alias_at(extension, name)
    }

    /// What the product makes of a path that its schemas do not have; `None`: nothing.
    pub(crate) fn resolve_for_product(&self, path: &str) -> Option<Resolved> {
        if self.product.aliases.is_empty() && self.product.dropped.is_empty() {
            return None;
        }
        if let Some(alias) = self.alias_of_path(path) {
            return Some(Resolved::Attribute(alias.target.clone()));
        }
        let name = path.rsplit(':').next().unwrap_or(path);
        let name = name.split('.').next().unwrap_or(name);
        self.product.drops(name).then(|| Resolved::NotOffered(path.to_owned()))
    }

    /// A path as the extension whose URN it begins with, or `None` for the core schema, and the name after it.
    fn split_known<'p>(&self, path: &'p str) -> Option<(Option<usize>, &'p str)> {
        let Some((urn, name)) = path.rsplit_once(':') else { return Some((None, path)) };
        if urn.eq_ignore_ascii_case(&self.known.id) {
            return Some((None, name));
        }
        let names = |known: &String| known.eq_ignore_ascii_case(urn);
        self.extensions
            .iter()
            .position(|extension| names(&extension.schema.id) || extension.aliases.iter().any(names))
            .map(|index| (Some(index), name))
    }
}
