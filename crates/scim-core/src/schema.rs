//! Schemas and attribute characteristics (RFC 7643 §2, §7), read from the JSON form of RFC 7643 §7.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;

/// Data type of an attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// A Unicode text.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A real number.
    Decimal,
    /// A whole number.
    Integer,
    /// An RFC 3339 instant.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI or the id of another resource.
    Reference,
    /// Has sub-attributes.
    Complex,
}

/// Who may change an attribute (RFC 7643 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the server.
    ReadOnly,
    /// The client, any time.
    #[default]
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client; never shown.
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer.
    Always,
    /// Never.
    Never,
    /// Unless excluded.
    #[default]
    Default,
    /// Only when asked for by name.
    Request,
}

/// Scope in which values may not repeat (RFC 7643 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Values may repeat.
    #[default]
    None,
    /// Unique in the tenant.
    Server,
    /// Unique everywhere.
    Global,
}

/// An attribute with its characteristics; serialises to the form of `/Schemas`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Name in schema spelling.
    pub name: String,
    /// Data type.
    #[serde(rename = "type", default)]
    pub kind: AttributeType,
    /// Sub-attributes of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Arc<Attribute>>,
    /// Holds a list.
    #[serde(default)]
    pub multi_valued: bool,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Must have a value.
    #[serde(default)]
    pub required: bool,
    /// Suggested values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Compared with regard to case.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may change it.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is shown.
    #[serde(default)]
    pub returned: Returned,
    /// Where it may not repeat.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// What the profile asks of its values beyond their type. Not a characteristic of RFC 7643, so it is not shown.
    #[serde(skip)]
    pub constraint: Option<Arc<Constraint>>,
    /// Is `eq` on it answered by an index (see [`crate::search::indexed`])? Not a characteristic of RFC 7643, so it is
    /// not shown.
    #[serde(default, skip_serializing)]
    pub indexed: bool,
}

impl Attribute {
    /// Sub-attribute by name, compared without case.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema (RFC 7643 §7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// URN.
    pub id: String,
    /// Short name.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Attributes in the order in which they are shown.
    pub attributes: Vec<Arc<Attribute>>,
}

impl Schema {
    /// Attribute by name, compared without case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

fn builtin(text: &str) -> Arc<Schema> {
    #[expect(clippy::expect_used, reason = "a file of this crate, read by every test")]
    Arc::new(serde_json::from_str(text).expect("a schema file of this crate"))
}

/// The core User schema, complete as in RFC 7643 §8.7.1.
pub static USER: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("../schemas/user.json")));
/// The core Group schema.
pub static GROUP: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("../schemas/group.json")));
/// The enterprise User extension.
pub static ENTERPRISE_USER: LazyLock<Arc<Schema>> =
    LazyLock::new(|| builtin(include_str!("../schemas/enterprise-user.json")));
/// Okta's schema of a role to be assigned.
pub static ROLE: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("../schemas/okta-role.json")));
/// Okta's schema of an entitlement to be assigned.
pub static ENTITLEMENT: LazyLock<Arc<Schema>> =
    LazyLock::new(|| builtin(include_str!("../schemas/okta-entitlement.json")));
/// `id`, `externalId`, `meta`, `schemas`: common to all resources (RFC 7643 §3.1), listed in no schema.
pub static COMMON: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("../schemas/common.json")));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urn;

    #[test]
    fn builtin_schemas_are_complete() {
        let names = |schema: &Schema| {
            schema.attributes.iter().map(|attribute| attribute.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(USER.id, urn::USER);
        assert_eq!(
            names(&USER),
            "userName name displayName nickName profileUrl title userType preferredLanguage locale timezone \
             active password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates"
        );
        assert_eq!(GROUP.id, urn::GROUP);
        assert_eq!(names(&GROUP), "displayName members");
        assert_eq!(ENTERPRISE_USER.id, urn::ENTERPRISE_USER);
        assert_eq!(
            names(&ENTERPRISE_USER),
            "employeeNumber costCenter organization division department manager"
        );
        for (schema, urn) in [(&ROLE, urn::OKTA_ROLE), (&ENTITLEMENT, urn::OKTA_ENTITLEMENT)] {
            assert_eq!((schema.id.as_str(), names(schema).as_str()), (urn, "displayName type"));
        }
        assert_eq!(names(&COMMON), "schemas id externalId meta");
    }

    #[test]
    fn every_attribute_is_well_formed() {
        for schema in [&*USER, &*GROUP, &*ENTERPRISE_USER, &*ROLE, &*ENTITLEMENT, &*COMMON] {
            let all =
                schema.attributes.iter().flat_map(|top| std::iter::once(top).chain(&top.sub_attributes));
            for attribute in all {
                let name = &attribute.name;
                assert!(!attribute.description.is_empty(), "{name}");
                assert_eq!(
                    attribute.kind == AttributeType::Complex,
                    !attribute.sub_attributes.is_empty(),
                    "{name}"
                );
                assert_eq!(
                    attribute.kind == AttributeType::Reference,
                    !attribute.reference_types.is_empty(),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn characteristics_that_others_rely_on() {
        let user_name = USER.attribute("USERNAME").expect("userName");
        assert!(user_name.required && !user_name.case_exact);
        assert_eq!(user_name.uniqueness, Uniqueness::Server);
        let password = USER.attribute("password").expect("password");
        assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
        assert_eq!(USER.attribute("groups").expect("groups").mutability, Mutability::ReadOnly);
        assert!(GROUP.attribute("displayName").expect("displayName").required);
        let members = GROUP.attribute("members").expect("members");
        assert_eq!(members.sub("VALUE").expect("value").mutability, Mutability::Immutable);
        assert!(members.sub("$ref").expect("$ref").case_exact);
        let id = COMMON.attribute("id").expect("id");
        assert!(id.case_exact);
        assert_eq!((id.mutability, id.returned), (Mutability::ReadOnly, Returned::Always));
        assert!(COMMON.attribute("externalId").expect("externalId").case_exact);
        let meta = COMMON.attribute("meta").expect("meta");
        assert_eq!(meta.sub("lastmodified").expect("lastModified").kind, AttributeType::DateTime);
    }
}
