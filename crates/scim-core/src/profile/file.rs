//! The keys of a profile file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{CredentialKind, IdentityProvider, Policies};
use crate::{
    leniency::Leniencies,
    product::WhenNotApplicable,
    roles::{Matches, UnlistedRole, UnmatchedGroup},
    schema::{AttributeType, Mutability, Returned, Uniqueness},
};

/// A whole file. Every key that is not named here is refused.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ProfileFile {
    /// Lower-case letters, digits and `-`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) name: Spanned<String>,
    /// For people.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) title: Spanned<String>,
    /// One sentence.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) summary: Spanned<String>,
    /// From 1; raised with each change of the file.
    #[cfg_attr(test, schemars(with = "u32"))]
    pub(super) version: Spanned<u32>,
    /// At least one of `bearer`, `basic`, `oauth`.
    #[cfg_attr(test, schemars(with = "Vec<CredentialKind>"))]
    pub(super) credentials: Spanned<Vec<CredentialKind>>,
    /// One of the base paths that are served.
    #[cfg_attr(test, schemars(with = "String"))]
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
    /// `[[attribute]]`
    #[serde(default, rename = "attribute")]
    pub(super) attributes: Vec<ConstrainedFile>,
    /// `[[alias]]`
    #[serde(default, rename = "alias")]
    pub(super) aliases: Vec<AliasFile>,
    /// `[[value-set]]`
    #[serde(default, rename = "value-set")]
    pub(super) value_sets: Vec<ValueSetFile>,
    /// `[formats]`
    #[serde(default)]
    pub(super) formats: FormatsFile,
    /// `[[rule]]`
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<RuleFile>,
    /// `[[not-applicable]]`
    #[serde(default)]
    pub(super) not_applicable: Vec<NotApplicableFile>,
    /// `[policies]`
    #[serde(default = "no_policies")]
    #[cfg_attr(test, schemars(with = "Policies"))]
    pub(super) policies: Spanned<Policies>,
    /// `[roles]`
    #[serde(default)]
    pub(super) roles: RolesFile,
    /// `[entitlements]`
    pub(super) entitlements: Option<EntitlementsFile>,
    /// The console's name for the page with the data that the identity provider asks for: what the guide calls it.
    #[serde(default = "setup")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) console_page: Spanned<String>,
    /// `[people]`
    #[serde(default)]
    pub(super) people: PeopleFile,
    /// `[organization]`
    pub(super) organization: Option<OrganizationFile>,
    /// `[setup]`
    pub(super) setup: Option<SetupFile>,
    /// `[[gate]]`
    #[serde(default, rename = "gate")]
    pub(super) gates: Vec<GateFile>,
    /// `[[example]]`
    #[serde(default, rename = "example")]
    pub(super) examples: Vec<ExampleFile>,
    /// `[leniencies]`
    #[serde(default)]
    pub(super) leniencies: Leniencies,
}

/// `[resource-types]`: what the product has.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ResourceTypesFile {
    /// Always true: a product without users has nothing to provision.
    #[serde(default = "yes")]
    #[cfg_attr(test, schemars(with = "bool"))]
    pub(super) users: Spanned<bool>,
    /// Default true.
    #[serde(default = "yes")]
    #[cfg_attr(test, schemars(with = "bool"))]
    pub(super) groups: Spanned<bool>,
    /// `/Roles`: the roles of `[roles] catalogue`, for identity providers to assign. Default false.
    #[serde(default = "no")]
    #[cfg_attr(test, schemars(with = "bool"))]
    pub(super) roles: Spanned<bool>,
    /// `/Entitlements`: what `[entitlements] catalogue` has, likewise. Default false.
    #[serde(default = "no")]
    #[cfg_attr(test, schemars(with = "bool"))]
    pub(super) entitlements: Spanned<bool>,
}

impl Default for ResourceTypesFile {
    fn default() -> Self {
        Self { users: yes(), groups: yes(), roles: no(), entitlements: no() }
    }
}

fn yes() -> Spanned<bool> {
    Spanned::new(0..0, true)
}

fn no() -> Spanned<bool> {
    Spanned::new(0..0, false)
}

fn no_policies() -> Spanned<Policies> {
    Spanned::new(0..0, Policies::default())
}

fn setup() -> Spanned<String> {
    Spanned::new(0..0, "Setup".to_owned())
}

/// `[people]`: what the product calls its users.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PeopleFile {
    /// Those who may sign in.
    #[serde(default = "active")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) active: Spanned<String>,
    /// Those who were deactivated.
    #[serde(default = "inactive")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) inactive: Spanned<String>,
}

impl Default for PeopleFile {
    fn default() -> Self {
        Self { active: active(), inactive: inactive() }
    }
}

fn active() -> Spanned<String> {
    Spanned::new(0..0, "Active".to_owned())
}

fn inactive() -> Spanned<String> {
    Spanned::new(0..0, "Inactive".to_owned())
}

/// `[user]`: which attributes are on offer.
#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct UserFile {
    /// Core attributes, or `attribute.subAttribute` for some of its sub-attributes alone; absent: all.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub(super) attributes: Option<Vec<Spanned<String>>>,
    /// The enterprise extension; absent: all of it.
    #[cfg_attr(test, schemars(with = "Option<EnterpriseFile>"))]
    pub(super) enterprise: Option<Spanned<EnterpriseFile>>,
    /// May enterprise attributes stand at the top level of a body, as older Entra jobs send them?
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<bool>"))]
    pub(super) enterprise_top_level: Option<Spanned<bool>>,
    /// Paths that every user must have.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) required: Vec<Spanned<String>>,
    /// Names that SCIM does not know and that are dropped without an error wherever they are sent.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) dropped: Vec<Spanned<String>>,
}

/// `enterprise = true`, `false`, or a list of its attributes.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "true, false, or a list of enterprise attributes such as [\"department\"]")]
pub(super) enum EnterpriseFile {
    /// All or nothing.
    Whole(bool),
    /// Some of it.
    Some(Vec<String>),
}

/// `[[extension]]`: the product's own attributes of a user.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ExtensionFile {
    /// Its URN.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) urn: Spanned<String>,
    /// Short name.
    pub(super) name: String,
    /// For people.
    #[serde(default)]
    pub(super) description: String,
    /// Other URNs by which identity providers name it.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AttributeFile {
    /// A SCIM attribute name (RFC 7643 §2.1).
    #[cfg_attr(test, schemars(with = "String"))]
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
    /// `npi`, `dea`, `time-zone`, `email`, `e164`, `no-digits` or `comma-list`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) format: Option<Spanned<String>>,
    /// Name of the value set that its values are in.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) value_set: Option<Spanned<String>>,
    /// Its value where a user has none.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    pub(super) default: Option<Spanned<toml::Value>>,
    /// Answer `eq` on it by an index: for identifiers that identity providers look people up by.
    #[serde(default)]
    pub(super) indexed: bool,
    /// Of a complex attribute.
    #[serde(default, rename = "sub-attribute")]
    pub(super) sub_attributes: Vec<AttributeFile>,
}

/// `[[attribute]]`: what is asked of an attribute of core SCIM, of the enterprise extension or of the product's own.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ConstrainedFile {
    /// `timezone`, `name.familyName`, `emails.type`, `npi`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) path: Spanned<String>,
    /// As in an extension's attribute.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) format: Option<Spanned<String>>,
    /// As in an extension's attribute.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) value_set: Option<Spanned<String>>,
    /// As in an extension's attribute; of a sub-attribute of a list: for each element without one.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    pub(super) default: Option<Spanned<toml::Value>>,
    /// Must every user have it?
    #[serde(default)]
    pub(super) required: bool,
}

/// `[[alias]]`: another name of an attribute.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AliasFile {
    /// The name that the guide has.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) name: Spanned<String>,
    /// What it means; `emails.value` is the value of the primary e-mail address.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) path: Spanned<String>,
}

/// `[[value-set]]`: a list of allowed values that each tenant can fill.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ValueSetFile {
    /// By which attributes and the command line name it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) name: Spanned<String>,
    /// For people.
    pub(super) title: String,
    /// Is no value allowed until the tenant has filled it? Otherwise every value is.
    #[serde(default)]
    pub(super) required: bool,
    /// Values of a tenant that has not filled it.
    pub(super) values: Option<Vec<AllowedFile>>,
}

/// A text, or `{ value = "…", label = "…" }`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "a text, or { value = \"…\", label = \"…\" }")]
pub(super) enum AllowedFile {
    /// The value.
    Text(String),
    /// The value with a label for people.
    Labelled {
        /// The value.
        value: String,
        /// For people.
        label: String,
    },
}

/// `[formats]`: settings of formats.
#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct FormatsFile {
    /// Letters with which a DEA number may begin; absent: those in use.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) dea_registrants: Option<Spanned<String>>,
}

/// `[[rule]]`: what holds across attributes. It has exactly one of `require`, `format` with `paths`, and `condition`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RuleFile {
    /// For people who write the profile.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) name: Spanned<String>,
    /// CEL: the users of whom something is demanded; absent: all.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) when: Option<Spanned<String>>,
    /// These attributes must have a value.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub(super) require: Option<Vec<Spanned<String>>>,
    /// The texts of `paths` must have this format.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) format: Option<Spanned<String>>,
    /// Of `format`.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub(super) paths: Option<Vec<Spanned<String>>>,
    /// CEL: must be true.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) condition: Option<Spanned<String>>,
    /// Of `condition`: the attribute that an error names.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) path: Option<Spanned<String>>,
    /// What is wrong and what to do, for the administrator of an identity provider.
    pub(super) message: Option<String>,
}

/// `[[not-applicable]]`: attributes that say nothing about some users.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct NotApplicableFile {
    /// CEL: those users.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) when: Spanned<String>,
    /// The attributes.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) attributes: Vec<Spanned<String>>,
    /// `drop` (and note it) or `refuse`.
    #[serde(default)]
    pub(super) then: WhenNotApplicable,
    /// Why, for people.
    pub(super) reason: String,
}

/// `[roles]`: which roles a group gives its members.
#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RolesFile {
    /// A group whose name starts with this gives the role named by the rest; after all `[[roles.rule]]`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) prefix: Option<Spanned<String>>,
    /// `[[roles.rule]]`, in order.
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<RoleRuleFile>,
    /// `first`: the first rule that gives a role; `all`: each that does.
    #[serde(default, rename = "match")]
    pub(super) matches: Matches,
    /// Roles that only a rule with `group` or `external-id` gives.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) protected: Vec<Spanned<String>>,
    /// Value set that holds the product's roles in their spelling.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) catalogue: Option<Spanned<String>>,
    /// Of a role that the catalogue does not have: `grant` it as written, or `ignore` it.
    #[serde(default)]
    pub(super) unlisted: UnlistedRole,
    /// A group that no rule knows: `keep` it without roles, or `reject` it.
    #[serde(default)]
    pub(super) unmatched_group: UnmatchedGroup,
}

/// `[entitlements]`: what identity providers assign to users beside roles.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct EntitlementsFile {
    /// Value set that holds them.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) catalogue: Spanned<String>,
}

/// `[[roles.rule]]`: exactly one of `prefix`, `pattern`, `group` and `external-id`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RoleRuleFile {
    /// Groups whose name starts with this, in any case.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) prefix: Option<Spanned<String>>,
    /// Groups whose whole name this regular expression matches, in any case.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) pattern: Option<Spanned<String>>,
    /// The group of this name, in any case.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) group: Option<Spanned<String>>,
    /// The group with this externalId.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) external_id: Option<Spanned<String>>,
    /// The role. Absent: the rest of the name after `prefix`, or the part of `pattern` named `role`. `$1` and `${name}`
    /// stand for parts of `pattern`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) role: Option<Spanned<String>>,
}

/// `[organization]`: the part of the product that a tenant's people belong to.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OrganizationFile {
    /// For people: what the product calls it.
    pub(super) title: String,
    /// Must a tenant have one before it is activated?
    #[serde(default)]
    pub(super) required: bool,
    /// Value set that holds the choices; absent: any text.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) value_set: Option<Spanned<String>>,
}

/// `[setup]`: the guide by which the product's customers connect their identity provider.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SetupFile {
    /// Its title.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) guide: Spanned<String>,
    /// For which identity provider it is.
    pub(super) provider: IdentityProvider,
    /// Known issues and whom to ask, one a line.
    #[serde(default = "nothing")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) notes: Spanned<String>,
    /// `[[setup.chapter]]`, in the guide's order.
    #[serde(default, rename = "chapter")]
    pub(super) chapters: Vec<ChapterFile>,
}

fn nothing() -> Spanned<String> {
    Spanned::new(0..0, String::new())
}

/// `[[setup.chapter]]`
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ChapterFile {
    /// Its heading.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) title: Spanned<String>,
    /// A step a line, its parts below it after `- `. `**…**` is a word of a screen, a text between backticks is typed,
    /// `{base-url}` stands for the tenant's.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) steps: Spanned<String>,
}

/// `[[gate]]`: a property of the customer's account that decides whether the console offers its SCIM page.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GateFile {
    /// A key, such as `domain-type`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) name: Spanned<String>,
    /// For people.
    pub(super) title: String,
    /// All values that it can have.
    pub(super) values: Vec<String>,
    /// Those with which the page is offered.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub(super) opens: Vec<Spanned<String>>,
}

/// `[[example]]`: a user, and what the profile makes of it. A profile whose examples do not come out is refused.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ExampleFile {
    /// For people.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) title: Spanned<String>,
    /// Is it taken?
    pub(super) valid: bool,
    /// The body of a POST, as JSON.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) user: Spanned<String>,
    /// Of one that is not taken: a path that the error names.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) path: Option<Spanned<String>>,
    /// Of one that is taken: what is kept of it, as JSON.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) becomes: Option<Spanned<String>>,
    /// Value sets of the tenant that sends it.
    #[serde(default)]
    pub(super) value_sets: BTreeMap<String, Vec<String>>,
}
