//! Profiles: what one product expects of its identity providers, read from a TOML file.

mod compile;
mod extensions;
mod file;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{leniency::Leniencies, resource::ResourceType, roles::RoleMapping};

/// How a caller proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Habits that are taken; see [`Profile::set_leniencies`].
    pub leniencies: Leniencies,
    /// Some consoles hide their SCIM page until this gate is opened.
    pub feature_gate: bool,
}

/// A profile file that cannot be used: line, column and remedy are in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProfileError(pub String);

impl ProfileError {
    /// A problem at a byte of the text.
    fn at(text: &str, offset: usize, problem: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self(format!("line {line}, column {column}: {problem}"))
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

impl Profile {
    /// Reads and compiles a profile file: the keys of `profile/file.rs`, no others. Whatever it offers, `schemas`,
    /// `id`, `externalId`, `meta`, `userName`, `active` and `groups` stay. The error names the line and the column.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let file: file::ProfileFile = toml::from_str(text).map_err(|error| {
            ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message())
        })?;
        compile::compile(file).map_err(|fault| ProfileError::at(text, fault.offset, &fault.problem))
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
