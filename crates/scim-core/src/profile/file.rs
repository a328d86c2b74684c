//! The keys of a profile file.

use serde::Deserialize;
use toml::Spanned;

use super::{CredentialKind, Policies};
use crate::{
    leniency::Leniencies,
    roles::RoleMapping,
    schema::{AttributeType, Mutability, Returned, Uniqueness},
};

/// A whole file. Every key that is not named here is refused.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ProfileFile {
    /// Lower-case letters, digits and `-`.
    pub(super) name: Spanned<String>,
    /// For people.
    pub(super) title: Spanned<String>,
    /// One sentence.
    pub(super) summary: Spanned<String>,
    /// From 1; raised with each change of the file.
    pub(super) version: Spanned<u32>,
    /// At least one of `bearer`, `basic`, `oauth`.
    pub(super) credentials: Spanned<Vec<CredentialKind>>,
    /// One of the base paths that are served.
    pub(super) base_path: Spanned<String>,
    /// Is the token pasted with the word `Bearer` before it?
    #[serde(default)]
    pub(super) paste_with_bearer: bool,
    /// Does the console hide its SCIM page until the gate is opened?
    #[serde(default)]
    pub(super) feature_gate: bool,
    /// `[resource-types]`
    #[serde(default)]
    pub(super) resource_types: ResourceTypesFile,
    /// `[user]`
    #[serde(default)]
    pub(super) user: UserFile,
    /// `[[extension]]`
    #[serde(default, rename = "extension")]
    pub(super) extensions: Vec<ExtensionFile>,
    /// `[policies]`
    #[serde(default)]
    pub(super) policies: Policies,
    /// `[roles]`
    #[serde(default)]
    pub(super) roles: RoleMapping,
    /// `[leniencies]`
    #[serde(default)]
    pub(super) leniencies: Leniencies,
}

/// `[resource-types]`: what the product has.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ResourceTypesFile {
    /// Always true: a product without users has nothing to provision.
    #[serde(default = "yes")]
    pub(super) users: Spanned<bool>,
    /// Default true.
    #[serde(default = "yes")]
    pub(super) groups: Spanned<bool>,
}

impl Default for ResourceTypesFile {
    fn default() -> Self {
        Self { users: yes(), groups: yes() }
    }
}

fn yes() -> Spanned<bool> {
    Spanned::new(0..0, true)
}

/// `[user]`: which attributes are on offer.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct UserFile {
    /// Core attributes; absent: all.
    pub(super) attributes: Option<Vec<Spanned<String>>>,
    /// The enterprise extension; absent: all of it.
    pub(super) enterprise: Option<Spanned<EnterpriseFile>>,
    /// May enterprise attributes stand at the top level of a body, as older Entra jobs send them?
    #[serde(default)]
    pub(super) enterprise_top_level: Option<Spanned<bool>>,
    /// Paths that every user must have.
    #[serde(default)]
    pub(super) required: Vec<Spanned<String>>,
}

/// `enterprise = true`, `false`, or a list of its attributes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "true, false, or a list of enterprise attributes such as [\"department\"]")]
pub(super) enum EnterpriseFile {
    /// All or nothing.
    Whole(bool),
    /// Some of it.
    Some(Vec<String>),
}

/// `[[extension]]`: the product's own attributes of a user.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ExtensionFile {
    /// Its URN.
    pub(super) urn: Spanned<String>,
    /// Short name.
    pub(super) name: String,
    /// For people.
    #[serde(default)]
    pub(super) description: String,
    /// Other URNs by which identity providers name it.
    #[serde(default)]
    pub(super) aliases: Vec<Spanned<String>>,
    /// May its attributes also stand at the top level of a body?
    #[serde(default)]
    pub(super) top_level: bool,
    /// Must every user have it? True in any case when one of its attributes is required.
    #[serde(default)]
    pub(super) required: bool,
    /// `[[extension.attribute]]`
    #[serde(rename = "attribute", default)]
    pub(super) attributes: Vec<AttributeFile>,
}

/// `[[extension.attribute]]` and `[[extension.attribute.sub-attribute]]`: the characteristics of RFC 7643 §7.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AttributeFile {
    /// A SCIM attribute name (RFC 7643 §2.1).
    pub(super) name: Spanned<String>,
    /// `string`, `boolean`, `decimal`, `integer`, `dateTime`, `binary`, `reference` or `complex`.
    #[serde(rename = "type", default)]
    pub(super) kind: AttributeType,
    /// Holds a list.
    #[serde(default)]
    pub(super) multi_valued: bool,
    /// For people.
    #[serde(default)]
    pub(super) description: String,
    /// Must have a value.
    #[serde(default)]
    pub(super) required: bool,
    /// Suggested values.
    #[serde(default)]
    pub(super) canonical_values: Vec<String>,
    /// Compared with regard to case; absent: true for references and binaries, else false.
    pub(super) case_exact: Option<bool>,
    /// `readOnly`, `readWrite`, `immutable` or `writeOnly`.
    #[serde(default)]
    pub(super) mutability: Mutability,
    /// `always`, `never`, `default` or `request`.
    #[serde(default)]
    pub(super) returned: Returned,
    /// `none`, `server` or `global`.
    #[serde(default)]
    pub(super) uniqueness: Uniqueness,
    /// What a reference points to: `User`, `Group`, `external`, `uri`.
    #[serde(default)]
    pub(super) reference_types: Vec<String>,
    /// Answer `eq` on it by an index: for identifiers that identity providers look people up by.
    #[serde(default)]
    pub(super) indexed: bool,
    /// Of a complex attribute.
    #[serde(default, rename = "sub-attribute")]
    pub(super) sub_attributes: Vec<AttributeFile>,
}
