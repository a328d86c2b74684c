//! Resource types and the canonical resource that is kept.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    leniency::Leniencies,
    product::Product,
    schema::{self, Attribute, Schema},
    urn,
};

/// A resource as it is kept: schema spelling, no null, no empty string, list or object; a multi-valued attribute
/// is always an array; an extension is an object under its URN. It never holds `schemas`, `id`, `meta`, `groups`
/// (of a user), `members` (of a group) or `password`: those come from elsewhere, or from nowhere.
/// It does hold `externalId`.
pub type Document = serde_json::Map<String, Value>;

/// The two kinds of resources that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// `/Users`.
    User,
    /// `/Groups`.
    Group,
}

impl ResourceKind {
    /// `User` or `Group`, as in `meta.resourceType`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// `/Users` or `/Groups`.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// The attribute that is no part of the document but made of the edges between users and groups: `groups` of a
    /// user, `members` of a group.
    #[must_use]
    pub fn edges(self) -> &'static str {
        match self {
            Self::User => "groups",
            Self::Group => "members",
        }
    }
}

/// A resource type of one tenant (RFC 7643 §6): what of the core schema it offers, and its extensions.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// User or Group.
    pub kind: ResourceKind,
    /// The core schema, cut down to what the profile offers; this is what `/Schemas` shows.
    pub schema: Arc<Schema>,
    /// The whole core schema: an attribute that is here but not in `schema` is known and not offered.
    pub known: Arc<Schema>,
    /// Extensions on offer, in order.
    pub extensions: Vec<Extension>,
    /// What the profile adds: other names, rules.
    pub product: Arc<Product>,
    /// Which habits names may show; they are resolved alike in bodies, paths, filters and lists.
    pub leniencies: Leniencies,
}

impl ResourceType {
    /// Users with all of core SCIM and the enterprise extension (RFC 7643 §4.1, §4.3).
    #[must_use]
    pub fn user() -> Self {
        Self {
            kind: ResourceKind::User,
            schema: Arc::clone(&schema::USER),
            known: Arc::clone(&schema::USER),
            extensions: vec![Extension {
                schema: Arc::clone(&schema::ENTERPRISE_USER),
                required: false,
                aliases: Vec::new(),
                top_level: false,
            }],
            product: Arc::default(),
            leniencies: Leniencies::LENIENT,
        }
    }

    /// Groups with all of core SCIM (RFC 7643 §4.2).
    #[must_use]
    pub fn group() -> Self {
        Self {
            kind: ResourceKind::Group,
            schema: Arc::clone(&schema::GROUP),
            known: Arc::clone(&schema::GROUP),
            extensions: Vec::new(),
            product: Arc::default(),
            leniencies: Leniencies::LENIENT,
        }
    }

    /// URNs for `schemas` of a resource: the core schema, and each extension that has a value in the document.
    #[must_use]
    pub fn schema_urns(&self, document: &Document) -> Vec<&str> {
        let extensions = self.extensions.iter().map(|extension| extension.schema.id.as_str()).filter(|urn| {
            document.get(*urn).and_then(Value::as_object).is_some_and(|values| !values.is_empty())
        });
        std::iter::once(self.schema.id.as_str()).chain(extensions).collect()
    }
}

/// An extension schema of a resource type.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its attributes, under the URN `schema.id`.
    pub schema: Arc<Schema>,
    /// Must a resource have it?
    pub required: bool,
    /// Other URNs by which identity providers name it; compared without case.
    pub aliases: Vec<String>,
    /// May its attributes also stand at the top level of a body?
    pub top_level: bool,
}

impl Extension {
    /// Its URN, its aliases, and what identity providers make of its URN where that is taken.
    pub fn urns(&self, leniencies: Leniencies) -> impl Iterator<Item = &str> {
        let enterprise = self.schema.id.eq_ignore_ascii_case(urn::ENTERPRISE_USER);
        let misspelt: &[&str] = if enterprise && leniencies.misspelt_enterprise_urn {
            &urn::MISSPELT_ENTERPRISE_USER
        } else {
            &[]
        };
        let aliases = self.aliases.iter().map(String::as_str).chain(misspelt.iter().copied());
        std::iter::once(self.schema.id.as_str()).chain(aliases)
    }
}

/// An attribute, and where in a resource it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrRef {
    /// URN of the extension that holds it; `None` for core and common attributes.
    pub extension: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Arc<Attribute>,
    /// A sub-attribute of it.
    pub sub: Option<Arc<Attribute>>,
}

impl AttrRef {
    /// The same attribute with this sub-attribute.
    #[must_use]
    pub fn with_sub(&self, sub: &Arc<Attribute>) -> Self {
        Self { sub: Some(Arc::clone(sub)), ..self.clone() }
    }

    /// The innermost attribute: the sub-attribute if there is one.
    #[must_use]
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// Text form in schema spelling: `userName`, `name.familyName`, `urn:…:User:department`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut text = String::new();
        if let Some(urn) = &self.extension {
            text.push_str(urn);
            text.push(':');
        }
        text.push_str(&self.attribute.name);
        if let Some(sub) = &self.sub {
            text.push('.');
            text.push_str(&sub.name);
        }
        text
    }
}
