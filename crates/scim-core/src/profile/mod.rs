//! Profiles: what one product expects of its identity providers, read from a TOML file.

mod catalogues;
mod compile;
mod constraints;
pub mod edit;
mod examples;
mod extensions;
mod file;
mod limits;
mod rules;
mod setup_guide;
mod tenant_keys;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use limits::MAX_PROFILE;
use serde::{Deserialize, Serialize};
pub use setup_guide::{IdentityProvider, SetupChapter, SetupGuide, SetupStep};

use crate::{
    catalogue::Catalogue,
    leniency::Leniencies,
    resource::ResourceType,
    roles::{Role, RoleMapping, Verdict},
    value_set::{ValueSet, ValueSets},
};

/// How a caller proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// `Authorization: Bearer …` (and the raw token).
    Bearer,
    /// `Authorization: Basic …`.
    Basic,
    /// OAuth 2.0 client credentials.
    Oauth,
}

/// What to do with a POST whose userName is taken by a live row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DuplicatePolicy {
    /// 409 `uniqueness`.
    #[default]
    Reject,
    /// 201 with the existing id; the body becomes its document.
    Link,
}

/// What DELETE does to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeletePolicy {
    /// Sets `active` to false; GET still answers 200.
    Deactivate,
    /// Hides it; GET answers 404, the name is free, an operator can restore it.
    #[default]
    SoftDelete,
    /// Removes it.
    Purge,
}

/// What to do with a group member that is unknown to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnknownMemberPolicy {
    /// Leave it out, and report it.
    #[default]
    Skip,
    /// 400 `invalidValue`.
    Reject,
}

/// What to do with an attribute or an extension that nobody knows, in a body or in the value of a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnknownAttributePolicy {
    /// Leave it out, and report it.
    #[default]
    Drop,
    /// 400 `invalidValue`.
    Reject,
}

/// Policies of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policies {
    /// POST of a taken userName.
    pub duplicate: DuplicatePolicy,
    /// DELETE of a user.
    pub delete: DeletePolicy,
    /// Unknown members.
    pub unknown_member: UnknownMemberPolicy,
    /// Unknown attributes.
    pub unknown_attribute: UnknownAttributePolicy,
    /// Days after which a soft-deleted user is purged; `None`: never by itself.
    pub retention_days: Option<u32>,
    /// A soft-deleted person who is created again gets the same id back: looked up by externalId, then by userName, the
    /// newest first.
    pub relink_on_return: bool,
}

/// A list of allowed values that a profile declares and a tenant fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueSetDeclaration {
    /// By which attributes and the command line name it.
    pub name: String,
    /// For people.
    pub title: String,
    /// Is no value allowed until the tenant has filled it?
    pub required: bool,
    /// Of a tenant that has not filled it.
    pub values: Option<Arc<ValueSet>>,
}

/// The part of the product that a tenant's people belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// What the product calls it.
    pub title: String,
    /// Must a tenant have one before it is activated?
    pub required: bool,
    /// Value set that holds the choices; `None`: any text.
    pub value_set: Option<String>,
}

/// A property of the customer's account that decides whether the console offers its SCIM page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// A key, such as `domain-type`.
    pub name: String,
    /// For people.
    pub title: String,
    /// All values that it can have.
    pub values: Vec<String>,
    /// Those with which the page is offered.
    pub opens: Vec<String>,
}

impl Gate {
    /// Whether the page is offered with a value of the property.
    #[must_use]
    pub fn is_open(&self, value: &str) -> bool {
        self.opens.iter().any(|open| open == value)
    }
}

/// What a product calls its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// Those who may sign in: `Internal contacts`.
    pub active: String,
    /// Those who were deactivated: `Inactive users`.
    pub inactive: String,
}

/// An example of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// For people.
    pub title: String,
    /// Is it taken?
    pub valid: bool,
    /// The body of a POST, as JSON.
    pub user: String,
}

/// A compiled profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// File name without `.toml`: `envi`.
    pub name: String,
    /// For people: `Envi`.
    pub title: String,
    /// One sentence for the console's list of profiles.
    pub summary: String,
    /// Version of the file.
    pub version: u32,
    /// Credentials that the tenant accepts.
    pub credentials: Vec<CredentialKind>,
    /// Path below the host that the product's guide shows: `/scim/v2`, `/scim`, `/scim/api/V1`.
    pub base_path: String,
    /// The text that the guide says to paste as token: is it `Bearer <token>` or the token alone?
    pub paste_with_bearer: bool,
    /// Users.
    pub user: Arc<ResourceType>,
    /// Groups, where the product has them.
    pub group: Option<Arc<ResourceType>>,
    /// Policies.
    pub policies: Policies,
    /// Groups to roles.
    pub roles: RoleMapping,
    /// What identity providers may assign to users themselves; none unless the file says so.
    pub catalogues: Vec<Catalogue>,
    /// Habits that are taken; see [`Profile::set_leniencies`].
    pub leniencies: Leniencies,
    /// Some consoles hide their SCIM page until this gate is opened.
    pub feature_gate: bool,
    /// What the guide calls the page of the product's console that has the data for the identity provider: `Setup`.
    pub console_page: String,
    /// What the product calls its users.
    pub people: People,
    /// Value sets that the tenant fills.
    pub value_sets: Vec<ValueSetDeclaration>,
    /// Whether, and how, a tenant has an organization.
    pub organization: Option<Organization>,
    /// What must be so of the customer's account for the console to offer its SCIM page.
    pub gates: Vec<Gate>,
    /// The product's own guide, where the file has it.
    pub setup: Option<SetupGuide>,
    /// Examples, for people.
    pub examples: Vec<Example>,
}

/// A profile file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ProfileError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl ProfileError {
    /// A problem at a byte of the text.
    fn at(text: &str, offset: usize, problem: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { line, column, problem: problem.to_owned() }
    }
}

/// The profile files that ship with Rollcall, by name.
pub const BUILTIN: [(&str, &str); 6] = [
    ("generic", include_str!("../../profiles/generic.toml")),
    ("epic-emp", include_str!("../../profiles/epic-emp.toml")),
    ("mdscripts", include_str!("../../profiles/mdscripts.toml")),
    ("clinical-maestro", include_str!("../../profiles/clinical-maestro.toml")),
    ("eptura-engage", include_str!("../../profiles/eptura-engage.toml")),
    ("envi", include_str!("../../profiles/envi.toml")),
];

/// Class of the tenants whose profile has a name of its own.
const CUSTOM: &str = "custom";

impl Profile {
    /// A word for what kind of tenant has it, of a few: the name of the profile that ships, or `custom`.
    #[must_use]
    pub fn class(&self) -> &'static str {
        BUILTIN.iter().find(|(name, _)| *name == self.name).map_or(CUSTOM, |(name, _)| name)
    }

    /// Reads and compiles a profile file: the keys of `profile/file.rs`, no others. Whatever it offers, `schemas`,
    /// `id`, `externalId`, `meta`, `userName` and `active` stay, and `groups` where there are groups. Its examples must
    /// come out as they say. The error names the line and the column.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let (profile, examples) = Self::compile(text)?;
        examples::check(&profile, &examples).map_err(|fault| fault.in_text(text))?;
        Ok(profile)
    }

    /// Like [`Self::from_toml`], without running the examples: for a file that was checked when it was saved, and that
    /// must not stop its tenant because a later version makes something else of an example.
    pub fn from_saved_toml(text: &str) -> Result<Self, ProfileError> {
        Ok(Self::compile(text)?.0)
    }

    fn compile(text: &str) -> Result<(Self, Vec<file::ExampleFile>), ProfileError> {
        limits::check_length(text).map_err(|fault| fault.in_text(text))?;
        let file: file::ProfileFile = toml::from_str(text).map_err(|error| {
            ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message())
        })?;
        compile::compile(file).map_err(|fault| fault.in_text(text))
    }

    /// The value sets that hold for a tenant: its own, and of those that it has not filled the profile's. A set that
    /// must be filled and is not is empty.
    #[must_use]
    pub fn value_sets_of(&self, tenant: &ValueSets) -> ValueSets {
        let mut sets = tenant.clone();
        for declared in self.value_sets.iter().filter(|declared| tenant.get(&declared.name).is_none()) {
            match (&declared.values, declared.required) {
                (Some(values), _) => sets.insert(&declared.name, Arc::clone(values)),
                (None, true) => sets.insert(&declared.name, ValueSet::default()),
                (None, false) => {}
            }
        }
        sets
    }

    /// The roles that a group gives in a tenant whose value sets are these (see [`Self::value_sets_of`]).
    #[must_use]
    pub fn roles_of_group(
        &self,
        sets: &ValueSets,
        display_name: &str,
        external_id: Option<&str>,
    ) -> Vec<Role> {
        let catalogue = self.roles.catalogue.as_ref().and_then(|name| sets.get(name));
        self.roles.roles_for(display_name, external_id, catalogue)
    }

    /// What each rule that knows a group makes of it (see [`RoleMapping::explain`]).
    #[must_use]
    pub fn explain_group(
        &self,
        sets: &ValueSets,
        display_name: &str,
        external_id: Option<&str>,
    ) -> Vec<(usize, Verdict)> {
        let catalogue = self.roles.catalogue.as_ref().and_then(|name| sets.get(name));
        self.roles.explain(display_name, external_id, catalogue)
    }

    /// The declaration of a value set.
    #[must_use]
    pub fn value_set(&self, name: &str) -> Option<&ValueSetDeclaration> {
        self.value_sets.iter().find(|declared| declared.name == name)
    }

    /// Takes these habits and no others, in the resource types too.
    pub fn set_leniencies(&mut self, leniencies: Leniencies) {
        self.leniencies = leniencies;
        for kind in std::iter::once(&mut self.user).chain(&mut self.group) {
            Arc::make_mut(kind).leniencies = leniencies;
        }
    }

    /// The text of a built-in profile.
    #[must_use]
    pub fn builtin(name: &str) -> Option<&'static str> {
        BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}
